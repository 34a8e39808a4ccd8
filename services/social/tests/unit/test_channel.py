"""A channel on this node: what its members receive, held against a naive model."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from callboard_contracts.channels import ORG, Channel
from callboard_contracts.events import BusEvent, Origin
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.positions import Position
from callboard_social.dialects.native import NativeDialect
from callboard_social.hub.channel import LiveChannel, Member, Order, is_ahead, order_of, place_before
from callboard_social.wire.connection import Connection
from callboard_social.wire.protocol import Frame
from hypothesis import given
from hypothesis import strategies as st

LOG = Channel.execution("task-1")


class Lane(Connection):
    """A connection that only remembers what was put into its lane."""

    def __init__(self, connection_id: str) -> None:
        async def send(_message: Any) -> None:
            raise AssertionError("nothing is written in these tests")

        super().__init__(connection_id, send)
        self.frames: list[Frame] = []

    def enqueue(self, frame: Frame) -> None:
        self.frames.append(frame)

    @property
    def kinds(self) -> list[str]:
        return [frame.kind for frame in self.frames]


def make_member(connection_id: str, dialect: NativeDialect) -> tuple[Member, Lane]:
    identity = Identity(
        user_id="user-1",
        login="ada",
        organization_id="org-1",
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        session_id="session-1",
        issued_at=0,
        expires_at=1,
    )
    lane = Lane(connection_id)
    return Member(lane, identity, dialect), lane


def status(position: str, **fields: Any) -> BusEvent:
    return BusEvent(position=position, type="execution-updated", at="", data={}, **fields)


def lines(attempt: int, first: int, last: int) -> BusEvent:
    return BusEvent(position=f"{attempt}:{last}", type="execution-log", at="", data={"firstLine": first})


@pytest.mark.parametrize(
    ("last", "event", "order"),
    [
        ("e:4", status("e:5"), Order.NEXT),
        ("e:5", status("e:5"), Order.SEEN),
        ("e:6", status("e:5"), Order.SEEN),
        ("e:3", status("e:5"), Order.GAP),
        ("e:4", status("f:5"), Order.GAP),
    ],
)
def test_an_event_follows_the_offset_before_it(last: str, event: BusEvent, order: Order) -> None:
    assert order_of(ORG, Position.parse(last), event) is order


@pytest.mark.parametrize(
    ("last", "event", "order"),
    [
        ("1:10", lines(1, 11, 20), Order.NEXT),
        ("1:20", lines(1, 11, 20), Order.SEEN),
        ("1:9", lines(1, 11, 20), Order.GAP),
        ("1:9", lines(2, 1, 5), Order.NEXT),
        ("1:9", lines(2, 3, 5), Order.GAP),
        ("2:1", lines(1, 11, 20), Order.SEEN),
        ("0:0", lines(1, 1, 1), Order.NEXT),
        ("0:0", lines(1, 7, 8), Order.GAP),
    ],
)
def test_log_lines_follow_the_line_before_them(last: str, event: BusEvent, order: Order) -> None:
    assert order_of(LOG, Position.parse(last), event) is order


def test_the_place_before_an_event_is_where_it_is_next() -> None:
    for channel, event in ((ORG, status("e:5")), (LOG, lines(3, 11, 20))):
        assert order_of(channel, place_before(channel, event), event) is Order.NEXT


def test_a_new_epoch_is_always_ahead() -> None:
    assert is_ahead(ORG, Position("f", 1), Position("e", 9))
    assert not is_ahead(ORG, Position("e", 9), Position("e", 9))
    assert is_ahead(LOG, Position("10", 1), Position("9", 5))


def test_a_gap_tells_members_to_fetch_the_snapshot_before_the_event() -> None:
    live = LiveChannel("org-1", ORG)
    member, lane = make_member("one", NativeDialect())
    live.position = Position("e", 1)
    live.add(member)
    sent = live.deliver(status("e:3")).sent
    assert [(frame.kind, receivers) for frame, receivers in sent] == [("reset", 1), ("execution-updated", 1)]
    assert lane.kinds == ["reset", "execution-updated"]
    assert '"position":"e:2"' in lane.frames[0].text


def test_the_origin_gets_the_echo_in_the_place_of_the_event() -> None:
    dialect = NativeDialect()
    live = LiveChannel("org-1", ORG)
    (one, lane_of_one), (two, lane_of_two) = make_member("one", dialect), make_member("two", dialect)
    live.add(one)
    live.add(two)
    sent = live.deliver(status("e:1", origin=Origin(connection="one", request="r"))).sent
    assert [(frame.kind, receivers) for frame, receivers in sent] == [("execution-updated", 1), ("echo", 1)]
    assert lane_of_one.kinds == ["echo"]
    assert '"replyTo":"r"' in lane_of_one.frames[0].text
    assert lane_of_two.kinds == ["execution-updated"]


def test_members_share_one_encoded_frame() -> None:
    dialect = NativeDialect()
    live = LiveChannel("org-1", ORG)
    (one, lane_of_one), (two, lane_of_two) = make_member("one", dialect), make_member("two", dialect)
    live.add(one)
    live.add(two)
    [(frame, receivers)] = live.deliver(status("e:1")).sent
    assert receivers == 2
    assert live.deliver(status("e:1")).sent == []
    assert lane_of_one.frames == lane_of_two.frames == [frame]
    assert lane_of_one.frames[0] is lane_of_two.frames[0]


@dataclass
class Naive:
    """What a member should have: every event since it joined, once."""

    joined_after: int
    offsets: list[int] = field(default_factory=list)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.integers(0, 3)),
            st.tuples(st.just("join"), st.integers(0, 4)),
            st.tuples(st.just("leave"), st.integers(0, 4)),
        ),
        max_size=60,
    )
)
def test_members_that_come_and_go_get_every_event_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    dialect = NativeDialect()
    live = LiveChannel("org-1", ORG)
    live.position = Position("e", 0)
    published = 0
    inside: dict[int, tuple[Member, Lane, Naive]] = {}
    everybody: list[tuple[Lane, Naive]] = []
    for number, (step, which) in enumerate(steps):
        if step == "publish":
            published += 1
            for _ in range(1 + which):  # the bus may say it again
                live.deliver(status(f"e:{published}"))
            for _, _, naive in inside.values():
                naive.offsets.append(published)
        elif step == "join" and which not in inside:
            member, lane = make_member(f"{which}-{number}", dialect)
            inside[which] = (member, lane, Naive(published))
            everybody.append((lane, inside[which][2]))
            live.add(member)
        elif step == "leave" and which in inside:
            live.remove(inside.pop(which)[0])
    for lane, naive in everybody:
        assert lane.kinds == ["execution-updated"] * len(naive.offsets)
        assert [int(frame.text.partition('"e:')[2].partition('"')[0]) for frame in lane.frames] == naive.offsets
    assert (not live.members) == (not inside)
