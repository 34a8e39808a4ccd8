"""The out-lane against a naive model of it."""

from callboard_social.wire.lane import LEAST_WEIGHT, MAX_PENDING_BYTES, Lane
from callboard_social.wire.protocol import Frame
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule


class LaneMachine(RuleBasedStateMachine):
    """Any order of putting, taking and throwing away keeps order and knows how much waits."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane()
        self.waiting: list[tuple[Frame, int]] = []

    @rule(
        text=st.sampled_from(["", "a", "\u20ac", "\U0001f600"]),
        length=st.sampled_from([1, 63, 1_000, 300_000]),
        attachment=st.sampled_from([0, 1, 64, 100_000]),
    )
    def put(self, text: str, length: int, attachment: int) -> None:
        frame = Frame("event", text * length, (bytes(attachment),))
        self.waiting.append((frame, max(LEAST_WEIGHT, len(text.encode()) * length + attachment)))
        weight = sum(weight for _, weight in self.waiting)
        assert self.lane.put(frame) == (weight <= MAX_PENDING_BYTES or len(self.waiting) == 1)

    @precondition(lambda self: bool(self.waiting))
    @rule()
    def take(self) -> None:
        first = self.waiting.pop(0)[0]
        assert self.lane.first is first
        assert self.lane.take() is first

    @rule()
    def take_all(self) -> None:
        assert self.lane.take_all() == [frame for frame, _ in self.waiting]
        self.waiting.clear()

    @rule()
    def clear(self) -> None:
        self.lane.clear()
        self.waiting.clear()

    @invariant()
    def knows_whether_something_waits(self) -> None:
        assert bool(self.lane) == bool(self.waiting)


TestLane: type = LaneMachine.TestCase
TestLane.settings = settings(max_examples=40)  # type: ignore[attr-defined]


def test_the_size_of_a_frame_is_what_it_takes_on_the_wire() -> None:
    assert Frame("event", "a\u20ac", (b"xy", b"z")).size == 7
    assert Frame("event", "a") == Frame("event", "a")
