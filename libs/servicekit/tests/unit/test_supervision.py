"""No half-dead process: however a task ends, it is noticed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from callboard_servicekit.app import stop_process
from callboard_servicekit.supervision import Supervisor, TaskEnded, supervised
from callboard_testkit.waiting import eventually


async def run_for_ever() -> None:
    await asyncio.Event().wait()


async def return_at_once() -> None:
    """A task that thinks it is done."""


async def fail() -> None:
    raise ValueError("gone")


async def cancel_itself() -> None:
    await asyncio.shield(cancelled_future())


def cancelled_future() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    return future


@pytest.mark.parametrize("ending", [return_at_once, fail, cancel_itself])
async def test_a_task_that_ends_ends_the_process_however_it_ends(ending: Callable[[], Awaitable[None]]) -> None:
    deaths: list[str] = []
    async with supervised(lambda: deaths.append("dead")) as supervisor:
        supervisor.spawn("steady", run_for_ever())
        await supervisor.check()
        supervisor.spawn("brittle", ending())  # type: ignore[arg-type]
        await eventually(lambda: bool(deaths))
        with pytest.raises(TaskEnded, match="brittle"):
            await supervisor.check()


async def test_the_end_is_told_once_and_names_the_first(caplog: pytest.LogCaptureFixture) -> None:
    deaths: list[str] = []
    async with supervised(lambda: deaths.append("dead")) as supervisor:
        supervisor.spawn("first", fail())
        await eventually(lambda: bool(deaths))
        supervisor.spawn("second", fail())
        await eventually(lambda: len(asyncio.all_tasks()) == 1)
        with pytest.raises(TaskEnded, match="first"):
            await supervisor.check()
    assert deaths == ["dead"]


async def test_stopping_cancels_and_waits_and_is_no_death() -> None:
    deaths: list[str] = []
    ended: list[str] = []

    async def tidy() -> None:
        try:
            await run_for_ever()
        finally:
            await asyncio.sleep(0)
            ended.append("tidied")

    async def stubborn() -> None:
        """Loses one cancellation, as code of libraries does."""
        try:
            await run_for_ever()
        except asyncio.CancelledError:
            await run_for_ever()

    async def fails_on_the_way_out() -> None:
        try:
            await run_for_ever()
        finally:
            raise ValueError("too late")

    async with supervised(lambda: deaths.append("dead")) as supervisor:
        for work in (tidy, stubborn, fails_on_the_way_out):
            supervisor.spawn(work.__name__, work())
        await asyncio.sleep(0)
    assert ended == ["tidied"]
    assert deaths == []
    assert len(asyncio.all_tasks()) == 1


async def test_a_failure_inside_the_block_still_stops_the_tasks() -> None:
    async def fail_inside() -> None:
        async with supervised(stop_process) as supervisor:
            supervisor.spawn("steady", run_for_ever())
            await fail()

    with pytest.raises(ValueError, match="gone"):
        await fail_inside()
    assert len(asyncio.all_tasks()) == 1


async def test_a_supervisor_without_tasks_is_well() -> None:
    supervisor = Supervisor(stop_process)
    await supervisor.check()
    await supervisor.stop()
