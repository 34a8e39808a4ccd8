"""A channel on this node: what its members receive, held against a naive model."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from callboard_contracts.channels import ORG, Channel
from callboard_contracts.events import BusEvent, Origin
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.positions import Position
from callboard_social.dialects.native import NativeDialect
from callboard_social.hub.channel import LiveChannel, Order, is_ahead, order_of, place_before
from callboard_social.hub.feed import Feed
from callboard_social.hub.member import Member
from hypothesis import given, settings
from hypothesis import strategies as st

from .listener import Listener

LOG = Channel.execution("task-1")


def make_channel(**options: int) -> LiveChannel:
    return LiveChannel("org-1", ORG, Feed(lambda _events: None, **options))


def make_member(connection_id: str, dialect: NativeDialect, feed: Feed) -> tuple[Member, Listener]:
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
    lane = Listener(connection_id)
    member = Member(lane, identity, dialect, feed=feed)
    lane.follow(member)
    return member, lane


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
    assert order_of(ORG, Position.parse(last), Position.parse(event.position), event) is order


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
    assert order_of(LOG, Position.parse(last), Position.parse(event.position), event) is order


def test_the_place_before_an_event_is_where_it_is_next() -> None:
    for channel, event in ((ORG, status("e:5")), (LOG, lines(3, 11, 20))):
        assert order_of(channel, place_before(channel, event), Position.parse(event.position), event) is Order.NEXT


def test_a_new_epoch_is_always_ahead() -> None:
    assert is_ahead(ORG, Position("f", 1), Position("e", 9))
    assert not is_ahead(ORG, Position("e", 9), Position("e", 9))
    assert is_ahead(LOG, Position("10", 1), Position("9", 5))


async def turn() -> None:
    """Let the feed write."""
    await asyncio.sleep(0)


async def test_a_gap_tells_members_to_fetch_the_snapshot_before_the_event() -> None:
    live = make_channel()
    member, lane = make_member("one", NativeDialect(), live.feed)
    live.position = Position("e", 1)
    live.add(member)
    sent = live.deliver(status("e:3")).sent
    assert [(frame.kind, receivers) for frame, receivers in sent] == [("reset", 1), ("execution-updated", 1)]
    await turn()
    assert lane.kinds == ["reset", "execution-updated"]
    assert '"position":"e:2"' in lane.frames[0].text


async def test_the_origin_gets_the_echo_in_the_place_of_the_event() -> None:
    dialect = NativeDialect()
    live = make_channel()
    one, lane_of_one = make_member("one", dialect, live.feed)
    two, lane_of_two = make_member("two", dialect, live.feed)
    live.add(one)
    live.add(two)
    live.deliver(status("e:1"))
    sent = live.deliver(status("e:2", origin=Origin(connection="one", request="r"))).sent
    assert [(frame.kind, receivers) for frame, receivers in sent] == [("execution-updated", 1), ("echo", 1)]
    live.deliver(status("e:3"))
    await turn()
    assert lane_of_one.kinds == ["execution-updated", "echo", "execution-updated"]
    assert '"replyTo":"r"' in lane_of_one.frames[1].text
    assert lane_of_two.kinds == ["execution-updated"] * 3


async def test_members_share_one_encoded_frame() -> None:
    dialect = NativeDialect()
    live = make_channel()
    one, lane_of_one = make_member("one", dialect, live.feed)
    two, lane_of_two = make_member("two", dialect, live.feed)
    live.add(one)
    live.add(two)
    [(frame, receivers)] = live.deliver(status("e:1")).sent
    assert receivers == 2
    assert live.deliver(status("e:1")).sent == []
    await turn()
    assert lane_of_one.frames == lane_of_two.frames == [frame]
    assert lane_of_one.frames[0] is lane_of_two.frames[0] is frame


async def test_who_joins_before_the_feed_has_written_hears_only_what_happens_after_that() -> None:
    live = make_channel()
    old, lane_of_old = make_member("old", NativeDialect(), live.feed)
    new, lane_of_new = make_member("new", NativeDialect(), live.feed)
    live.add(old)
    live.deliver(status("e:1"))
    live.add(new)
    live.deliver(status("e:2"))
    await turn()
    assert offsets(lane_of_old) == [1, 2]
    assert offsets(lane_of_new) == [2]


async def test_who_leaves_before_the_feed_has_written_hears_what_happened_before_that() -> None:
    live = make_channel()
    member, lane = make_member("one", NativeDialect(), live.feed)
    live.add(member)
    live.deliver(status("e:1"))
    live.remove(member)
    assert live.deliver(status("e:2")).sent == []
    await turn()
    assert offsets(lane) == [1]


def offsets(lane: Listener) -> list[int]:
    assert lane.kinds == ["execution-updated"] * len(lane.frames)
    return [int(text.partition('"e:')[2].partition('"')[0]) for text in lane.texts]


@dataclass
class Naive:
    """What a member should have: every event since it joined, once."""

    lane: Listener
    offsets: list[int] = field(default_factory=list)


class Play:
    """A channel whose members come and go while its feed writes to one member per turn."""

    def __init__(self) -> None:
        self.live = make_channel(slice_size=1)
        self.live.position = Position("e", 0)
        self.dialect = NativeDialect()
        self.published = 0
        self.inside: dict[int, tuple[Member, Naive]] = {}
        self.everybody: list[Naive] = []

    async def step(self, step: str, which: int) -> None:
        if step == "publish":
            self.publish(1 + which)
        elif step == "join" and which not in self.inside:
            self.join(which)
        elif step == "leave" and which in self.inside:
            self.live.remove(self.inside.pop(which)[0])
        elif step == "turn":
            await turn()

    def publish(self, times: int) -> None:
        """The bus may say it again."""
        self.published += 1
        for _ in range(times):
            self.live.deliver(status(f"e:{self.published}"))
        for _, naive in self.inside.values():
            naive.offsets.append(self.published)

    def join(self, which: int) -> None:
        member, lane = make_member(f"connection-{len(self.everybody)}", self.dialect, self.live.feed)
        self.inside[which] = member, Naive(lane)
        self.everybody.append(self.inside[which][1])
        self.live.add(member)

    async def finish(self) -> None:
        for _ in range(2 * len(self.everybody) + 4):
            await turn()
        for naive in self.everybody:
            assert offsets(naive.lane) == naive.offsets
        assert (not self.live.members) == (not self.inside)


WHICH = st.integers(0, 4)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.integers(0, 3)),
            st.tuples(st.just("join"), WHICH),
            st.tuples(st.just("leave"), WHICH),
            st.tuples(st.just("turn"), WHICH),
        ),
        max_size=60,
    )
)
def test_members_that_come_and_go_get_every_event_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    async def perform() -> None:
        play = Play()
        for step in steps:
            await play.step(*step)
        await play.finish()

    asyncio.run(perform())
