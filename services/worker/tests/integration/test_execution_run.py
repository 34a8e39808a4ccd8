import asyncio

import pytest
from callboard_contracts.executions import MAX_LINE_BYTES, Status
from callboard_testkit.waiting import eventually
from callboard_worker.sdk import log_pipe
from callboard_worker.sdk.blocking import BlockingClient
from callboard_worker.sdk.errors import LineConflict

from .conftest import Suite
from .fake_gateway import API_TOKEN, problem


async def test_a_run_posts_its_beginning_its_lines_and_its_end(suite: Suite) -> None:
    async with suite.client() as client, client.execution("t-1", name="nightly") as run:
        await run.log("one\ntwo\n")
        await run.log("")
        await run.log("three\r\n")
    assert suite.gateway.statuses() == ["RUNNING", "PASSED"]
    assert suite.gateway.logs["t-1", 1] == ["one", "two", "", "three"]
    begin, end = suite.gateway.updates
    assert begin["name"] == "nightly"
    assert end["startTime"] == begin["startTime"] <= end["endTime"]


async def test_an_exception_fails_the_run_and_is_raised_again(suite: Suite) -> None:
    async def fail() -> None:
        async with suite.client() as client, client.execution("t-1") as run:
            await run.log("last words")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert suite.gateway.statuses() == ["RUNNING", "FAILED"]
    assert suite.gateway.logs["t-1", 1] == ["last words"]


async def test_a_cancelled_run_ends_cancelled(suite: Suite) -> None:
    begun = asyncio.Event()

    async def for_ever() -> None:
        async with suite.client() as client, client.execution("t-1"):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(for_ever())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert suite.gateway.statuses() == ["RUNNING", "CANCELLED"]


async def test_many_lines_arrive_complete_and_in_order_over_an_unreliable_gateway(suite: Suite) -> None:
    lines = [f"line {number} " + "ü" * (number % 97) for number in range(20_000)]
    async with suite.client() as client, client.execution("t-1") as run:
        for number, line in enumerate(lines):
            if number % 5_000 == 0:
                suite.gateway.faults.extend([problem(503, "unavailable"), problem(502, "bad-gateway")])
            await run.log(line)
    assert suite.gateway.logs["t-1", 1] == lines


async def test_a_line_over_the_bound_becomes_several(suite: Suite) -> None:
    async with suite.client() as client, client.execution("t-1") as run:
        await run.log("€" * MAX_LINE_BYTES)
    stored = suite.gateway.logs["t-1", 1]
    assert "".join(stored) == "€" * MAX_LINE_BYTES
    assert max(len(line.encode()) for line in stored) <= MAX_LINE_BYTES


async def test_lines_wait_for_room_while_the_gateway_is_away(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pipe, "MAX_HELD_LINES", 10)
    put = 0

    async def produce() -> None:
        nonlocal put
        async with suite.client(patience=None) as client, client.execution("t-1") as run:
            suite.gateway.faults.extend(problem(503, "unavailable") for _ in range(30))
            for number in range(100):
                await run.log(str(number))
                put = number + 1

    task = asyncio.create_task(produce())
    await eventually(lambda: len(suite.gateway.faults) < 20)
    assert put <= 20
    await task
    assert suite.gateway.logs["t-1", 1] == [str(number) for number in range(100)]


async def test_what_the_gateway_refuses_ends_the_lines_with_a_typed_error(suite: Suite) -> None:
    async def collide() -> None:
        async with suite.client() as client, client.execution("t-1") as run:
            suite.gateway.logs["t-1", 1] = ["somebody else's"]
            await run.log("mine")

    with pytest.raises(LineConflict):
        await collide()
    assert suite.gateway.statuses() == ["RUNNING", "PASSED"]


async def test_a_finished_task_gets_a_new_attempt_with_lines_from_1(suite: Suite) -> None:
    async with suite.client() as client:
        async with client.execution("t-1") as run:
            await run.log("first")
        async with client.execution("t-1") as again:
            await again.log("second")
    assert (run.attempt, again.attempt) == (1, 2)
    assert suite.gateway.logs == {("t-1", 1): ["first"], ("t-1", 2): ["second"]}


async def test_an_attempt_left_unfinished_is_taken_up_after_its_last_line(suite: Suite) -> None:
    async with suite.client() as client:
        await client.update("t-1", Status.RUNNING)
        suite.gateway.logs["t-1", 1] = [str(number) for number in range(2_500)]
        async with client.execution("t-1") as run:
            await run.log("goes on")
    assert suite.gateway.logs["t-1", 1][2_500:] == ["goes on"]


async def test_the_plain_client_does_the_same(suite: Suite) -> None:
    def work() -> list[str]:
        with BlockingClient(suite.url, API_TOKEN) as client:
            with client.execution("t-1", name="plain") as run:
                run.log("one\ntwo")
            with pytest.raises(ZeroDivisionError), client.execution("t-2"):
                raise ZeroDivisionError
            return [*client.read_log("t-1").lines]

    assert await asyncio.to_thread(work) == ["one", "two"]
    assert suite.gateway.statuses("t-1") == ["RUNNING", "PASSED"]
    assert suite.gateway.statuses("t-2") == ["RUNNING", "FAILED"]


async def test_the_plain_client_iterates_events(suite: Suite) -> None:
    def first_types() -> list[str]:
        with BlockingClient(suite.url, API_TOKEN) as client, client.events(["logs"]) as events:
            return [type(next(events)).__name__, type(next(events)).__name__]

    assert await asyncio.to_thread(first_types) == ["Connected", "Subscribed"]


async def test_a_plain_client_outside_its_block_says_so(suite: Suite) -> None:
    with pytest.raises(RuntimeError, match="with block"):
        BlockingClient(suite.url, API_TOKEN).session()
