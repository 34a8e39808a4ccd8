"""One timer for all: nobody is woken early, or later than by a step."""

import asyncio
import gc
import weakref
from contextvars import ContextVar
from dataclasses import dataclass, field

import pytest
from callboard_social.handoff.wheel import Wheel
from hypothesis import given, settings
from hypothesis import strategies as st

from .virtual_time import VirtualTimeLoop, in_virtual_time

STEP = 0.25
EPSILON = 1e-6


@dataclass(eq=False)
class Sleeper:
    """Goes back onto the wheel for every delay that is left."""

    wheel: Wheel
    delays: list[float]
    slot: int = 0
    due_at: float = 0.0
    late_by: list[float] = field(default_factory=list)

    def lie_down(self) -> None:
        if self.delays:
            delay = self.delays.pop(0)
            self.due_at = asyncio.get_running_loop().time() + delay
            self.slot = self.wheel.add(self, delay)

    def wake(self) -> None:
        self.late_by.append(asyncio.get_running_loop().time() - self.due_at)
        self.lie_down()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.lists(st.floats(0, 5), min_size=1, max_size=4)),
        min_size=1,
        max_size=12,
    )
)
def test_nobody_is_woken_early_or_later_than_by_a_step(plans: list[tuple[float, list[float]]]) -> None:
    @in_virtual_time
    async def sleep_all() -> None:
        wheel, loop, sleepers = Wheel(STEP), asyncio.get_running_loop(), list[tuple[Sleeper, int]]()
        for start, delays in plans:
            sleepers.append((Sleeper(wheel, list(delays)), len(delays)))
            loop.call_later(start, sleepers[-1][0].lie_down)
        await asyncio.sleep(60)
        for sleeper, count in sleepers:
            assert len(sleeper.late_by) == count
            assert all(-EPSILON <= late <= STEP + EPSILON for late in sleeper.late_by), sleeper.late_by

    sleep_all()


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 2), min_size=2, max_size=10),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=10),
    st.lists(st.integers(0, 9), max_size=5),
)
def test_whoever_is_taken_off_is_not_woken_also_by_another_that_wakes(
    delays: list[float], takes_off: list[tuple[int, int]], before: list[int]
) -> None:
    @in_virtual_time
    async def take_off() -> None:
        wheel = Wheel(STEP)
        sleepers = [TakesOff(wheel, [delay]) for delay in delays]
        for who, other in takes_off:
            sleepers[who % len(sleepers)].others.append(sleepers[other % len(sleepers)])
        for sleeper in sleepers:
            sleeper.lie_down()
        for number in before:
            sleepers[number % len(sleepers)].take_off()
        await asyncio.sleep(10)
        for sleeper in sleepers:
            assert len(sleeper.late_by) == (0 if sleeper.is_off else 1)

    take_off()


@dataclass(eq=False)
class TakesOff(Sleeper):
    """Takes others off when it wakes, as far as they still sleep."""

    others: list["TakesOff"] = field(default_factory=list)
    is_off: bool = False

    def take_off(self) -> None:
        self.is_off = self.is_off or not self.late_by
        self.wheel.discard(self, self.slot)

    def wake(self) -> None:
        assert not self.is_off
        super().wake()
        for other in self.others:
            other.take_off()


def test_a_wheel_goes_on_after_an_entry_that_fails() -> None:
    class Fails(Sleeper):
        def wake(self) -> None:
            raise ValueError

    async def wake_all() -> None:
        wheel = Wheel(STEP)
        sleepers = [kind(wheel, [1.0]) for kind in (Fails, Sleeper, Fails, Sleeper)]
        for sleeper in sleepers:
            sleeper.lie_down()
        await asyncio.sleep(3)
        assert [len(sleeper.late_by) for sleeper in sleepers] == [0, 1, 0, 1]
        late = Sleeper(wheel, [1.0])
        late.lie_down()
        await asyncio.sleep(3)
        assert len(late.late_by) == 1

    loop = VirtualTimeLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(wake_all())
    assert [type(failure["exception"]) for failure in loop.failures] == [ValueError, ValueError]


def test_an_empty_wheel_has_no_timer() -> None:
    late_by: list[float] = []

    @in_virtual_time
    async def wait_for_ever() -> None:
        Sleeper(Wheel(STEP), [1.0, 1.0], late_by=late_by).lie_down()
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="nothing will ever happen"):
        wait_for_ever()
    assert len(late_by) == 2


@in_virtual_time
async def test_a_wheel_holds_neither_who_woke_nor_the_context_of_who_came_first() -> None:
    class Request:
        pass

    request: ContextVar[Request] = ContextVar("request")
    wheel = Wheel(STEP)

    async def come_first() -> weakref.ref[Request]:
        request.set(Request())
        Sleeper(wheel, [1000.0]).lie_down()
        return weakref.ref(request.get())

    first = await asyncio.create_task(come_first())
    sleeper = Sleeper(wheel, [1.0])
    sleeper.lie_down()
    woken = weakref.ref(sleeper)
    del sleeper
    await asyncio.sleep(3)
    gc.collect()
    assert (first(), woken()) == (None, None)
