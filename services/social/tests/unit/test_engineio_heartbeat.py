"""The heartbeat by itself."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from callboard_social.wire.engineio.heartbeat import Heartbeat, Rhythm
from callboard_testkit.waiting import eventually

INTERVAL = timedelta(milliseconds=40)
PATIENCE_SECONDS = 5


class Beaten:
    """Counts pings, and answers them as it is told."""

    def __init__(self, *, timeout: timedelta, answers: int = 0, is_busy: bool = False) -> None:
        self.pings: list[float] = []
        self.lost_at = asyncio.get_running_loop().create_future()
        self.is_busy = is_busy
        self.stops = False
        self.on_ping: Callable[[], None] | None = None
        self._answers = answers
        self.heartbeat = Heartbeat(Rhythm(INTERVAL, timeout))
        self.started = asyncio.get_running_loop().time()
        self.heartbeat.start(self)

    def ping(self) -> None:
        self.pings.append(asyncio.get_running_loop().time())
        if self.stops:
            self.heartbeat.stop()
        if self.on_ping is not None:
            asyncio.get_running_loop().call_soon(self.on_ping)
        if self._answers:
            self._answers -= 1
            asyncio.get_running_loop().call_soon(self.heartbeat.heard)

    def silent(self) -> None:
        self.lost_at.set_result(asyncio.get_running_loop().time())

    async def lost(self) -> float:
        """Seconds from the start until the end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return float(await self.lost_at) - self.started


@pytest.mark.parametrize("patience", [timedelta(milliseconds=20), timedelta(milliseconds=100)])
async def test_a_ping_that_nobody_answers_is_the_last(patience: timedelta) -> None:
    beaten = Beaten(timeout=patience, answers=2)
    elapsed = await beaten.lost()
    assert len(beaten.pings) == 3
    assert elapsed >= (3 * INTERVAL + patience).total_seconds() - 0.01
    assert not beaten.heartbeat.is_overdue


async def test_the_first_ping_comes_after_the_interval() -> None:
    beaten = Beaten(timeout=timedelta(milliseconds=20))
    await beaten.lost()
    assert beaten.pings[0] - beaten.started >= INTERVAL.total_seconds() - 0.002


async def test_who_is_busy_is_pinged_on_and_not_lost() -> None:
    beaten = Beaten(timeout=timedelta(milliseconds=20), is_busy=True)
    await eventually(lambda: len(beaten.pings) >= 3)
    assert not beaten.lost_at.done()
    beaten.is_busy = False
    await beaten.lost()


async def test_a_deadline_that_has_passed_is_known_before_the_timer_runs() -> None:
    beaten = Beaten(timeout=timedelta(milliseconds=20))
    seen: list[bool] = []

    def look() -> None:
        while asyncio.get_running_loop().time() < beaten.pings[0] + 0.021:
            pass  # the loop stalls from before the deadline until after it
        seen.append(beaten.heartbeat.is_overdue)
        beaten.heartbeat.heard()
        seen.append(beaten.heartbeat.is_overdue)
        beaten.heartbeat.stop()

    beaten.on_ping = look
    await eventually(lambda: bool(seen))
    assert seen == [True, False]
    assert not beaten.lost_at.done()


async def test_a_heartbeat_that_was_stopped_says_nothing() -> None:
    beaten = Beaten(timeout=timedelta(milliseconds=20))
    beaten.heartbeat.stop()
    beaten.heartbeat.stop()
    other = Beaten(timeout=timedelta(milliseconds=20))
    await other.lost()
    assert not beaten.pings
    assert not beaten.heartbeat.is_overdue


async def test_a_ping_may_stop_its_heartbeat() -> None:
    """A lane that is full closes its session, even when it is a ping that fills it."""
    beaten = Beaten(timeout=timedelta(milliseconds=20))
    beaten.stops = True
    other = Beaten(timeout=timedelta(milliseconds=20), answers=3)
    await other.lost()
    assert len(beaten.pings) == 1
    assert not beaten.lost_at.done()
