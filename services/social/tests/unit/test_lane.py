"""The out-lane against a naive model of it."""

import asyncio

from callboard_social.wire.lane import LEAST_WEIGHT, MAX_PENDING_BYTES, Lane
from callboard_social.wire.protocol import Frame
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule


class LaneMachine(RuleBasedStateMachine):
    """Any order of putting, taking and throwing away keeps order and knows how much waits."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane()
        self.waiting: list[tuple[Frame, int]] = []
        self.changes = 0
        self.lane.on_change = self.count

    def count(self) -> None:
        self.changes += 1

    @rule(
        text=st.sampled_from(["", "a", "\u20ac", "\U0001f600"]),
        length=st.sampled_from([1, 63, 1_000, 300_000]),
        attachment=st.sampled_from([0, 1, 64, 100_000]),
    )
    def put(self, text: str, length: int, attachment: int) -> None:
        frame = Frame("event", text * length, (bytes(attachment),))
        before = self.changes
        self.waiting.append((frame, max(LEAST_WEIGHT, len(text.encode()) * length + attachment)))
        weight = sum(weight for _, weight in self.waiting)
        assert self.lane.put(frame) == (weight <= MAX_PENDING_BYTES or len(self.waiting) == 1)
        assert self.changes == before + 1

    @precondition(lambda self: bool(self.waiting))
    @rule()
    def take(self) -> None:
        first = self.waiting.pop(0)[0]
        assert self.lane.first is first
        assert self.lane.take() is first

    @rule()
    def clear(self) -> None:
        self.lane.clear()
        self.waiting.clear()

    @invariant()
    def knows_whether_something_waits(self) -> None:
        assert bool(self.lane) == bool(self.waiting)


TestLane: type = LaneMachine.TestCase
TestLane.settings = settings(max_examples=40)  # type: ignore[attr-defined]


@given(st.lists(st.sampled_from(["put", "turn"]), max_size=200))
def test_what_is_poured_out_is_what_was_put_in_and_in_order(steps: list[str]) -> None:
    async def run() -> None:
        lane = Lane()
        written: list[Frame] = []

        async def write(frame: Frame) -> None:
            await asyncio.sleep(0)
            written.append(frame)

        pouring = asyncio.create_task(lane.pour(write))
        put: list[Frame] = []
        for step in steps:
            if step == "turn":
                await asyncio.sleep(0)
            else:
                put.append(Frame("event", str(len(put))))
                lane.put(put[-1])
        lane.end()
        await pouring
        assert written == put

    asyncio.run(run())


async def test_a_lane_that_ends_empty_is_poured_out_at_once() -> None:
    lane = Lane()

    async def write(_frame: Frame) -> None:
        raise AssertionError("nothing was put in")

    pouring = asyncio.create_task(lane.pour(write))
    await asyncio.sleep(0)
    lane.end()
    await pouring


async def test_a_long_lane_lets_others_have_their_turn() -> None:
    lane = Lane()
    for _ in range(1_000):
        lane.put(Frame("event", "x"))
    turns = 0

    async def write(_frame: Frame) -> None:
        pass

    async def others() -> None:
        nonlocal turns
        while lane:
            turns += 1
            await asyncio.sleep(0)

    lane.end()
    await asyncio.gather(lane.pour(write), others())
    assert turns >= 10


def test_the_size_of_a_frame_is_what_it_takes_on_the_wire() -> None:
    assert Frame("event", "a\u20ac", (b"xy", b"z")).size == 7
    assert Frame("event", "a") == Frame("event", "a")
