"""Joining, while the bus takes its time. The bus here does what `Bus` promises, step by step as the test says."""

import asyncio
from typing import cast

import pytest
from callboard_contracts.channels import ORG, Channel
from callboard_contracts.events import BusEvent
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.keys import channel_key
from callboard_contracts.positions import Position
from callboard_servicekit.telemetry import Telemetry
from callboard_social.bus import Bus, BusUnavailable
from callboard_social.dialects.native import NativeDialect
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.metrics import SocialMetrics
from callboard_social.wire.protocol import Frame

from .listener import Listener

KEY = channel_key("org-1", ORG)


class ScriptedBus:
    """Confirms when `confirmed` is set, answers with `place` when `asked` is set; remembers what was asked of it."""

    def __init__(self) -> None:
        self.confirmed = asyncio.Event()
        self.asked = asyncio.Event()
        self.place = Position("e", 0)
        self.is_away = False
        self.commands: list[str] = []

    async def subscribe(self, key: str) -> None:
        self.commands.append(f"subscribe {key}")
        await self.confirmed.wait()
        if self.is_away:
            raise BusUnavailable

    def unsubscribe(self, key: str) -> None:
        self.commands.append(f"unsubscribe {key}")

    async def position(self, _key: str) -> Position:
        place = self.place
        await self.asked.wait()
        return place


def make_member(hub: Hub, name: str = "connection") -> tuple[Member, Listener]:
    identity = Identity(
        user_id="user-1",
        login="ada",
        organization_id="org-1",
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        session_id=None,
        issued_at=0,
        expires_at=1,
    )
    lane = Listener(name)
    member = Member(lane, identity, NativeDialect())
    hub.register(member)
    return member, lane


def welcome(places: list[tuple[Channel, Position]]) -> Frame:
    return Frame("welcome", f"welcome {places[0][1]}")


def event(offset: int) -> BusEvent:
    return BusEvent(position=f"e:{offset}", type="t", at="", data={})


def offsets(lane: Listener) -> list[str]:
    return [text.partition('"position":"')[2].partition('"')[0] or text for text in lane.texts]


@pytest.fixture
def bus() -> ScriptedBus:
    return ScriptedBus()


@pytest.fixture
def hub(bus: ScriptedBus) -> Hub:
    return Hub(cast("Bus", bus), SocialMetrics(Telemetry()))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_second_joiner_waits_for_the_opening_although_an_event_was_heard_meanwhile(
    hub: Hub, bus: ScriptedBus
) -> None:
    (one, first), (two, second) = make_member(hub), make_member(hub, "other")
    joins = [asyncio.create_task(hub.join(one, [ORG], welcome))]
    bus.confirmed.set()
    bus.place = Position("e", 7)
    await settle()
    hub.heard(KEY, event(5))
    joins.append(asyncio.create_task(hub.join(two, [ORG], welcome)))
    await settle()
    assert first.texts == second.texts == []
    bus.asked.set()
    await asyncio.gather(*joins)
    for offset in (6, 7, 8):  # the first two were still on their way when Redis said 7
        hub.heard(KEY, event(offset))
    await settle()
    assert offsets(first) == offsets(second) == ["welcome e:7", "e:8"]


async def test_an_event_that_was_heard_counts_more_than_an_older_answer(hub: Hub, bus: ScriptedBus) -> None:
    member, lane = make_member(hub)
    joining = asyncio.create_task(hub.join(member, [ORG], welcome))
    bus.confirmed.set()
    bus.place = Position("e", 4)
    await settle()
    hub.heard(KEY, event(5))
    bus.asked.set()
    await joining
    hub.heard(KEY, event(5))
    hub.heard(KEY, event(6))
    await settle()
    assert offsets(lane) == ["welcome e:5", "e:6"]


async def test_a_joiner_who_leaves_during_the_opening_does_not_silence_the_next(hub: Hub, bus: ScriptedBus) -> None:
    (one, _), (two, lane) = make_member(hub), make_member(hub)
    leaving = asyncio.create_task(hub.join(one, [ORG], welcome))
    await settle()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    joining = asyncio.create_task(hub.join(two, [ORG], welcome))
    await settle()
    bus.confirmed.set()
    bus.asked.set()
    await joining
    hub.heard(KEY, event(1))
    await settle()
    assert offsets(lane) == ["welcome e:0", "e:1"]
    assert bus.commands == [f"subscribe {KEY}"]


async def test_a_channel_that_opened_for_nobody_is_closed(hub: Hub, bus: ScriptedBus) -> None:
    member, _ = make_member(hub)
    joining = asyncio.create_task(hub.join(member, [ORG], welcome))
    await settle()
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    bus.confirmed.set()
    bus.asked.set()
    await settle()
    assert bus.commands == [f"subscribe {KEY}", f"unsubscribe {KEY}"]


async def test_a_join_that_fails_joins_nothing_and_can_be_tried_again(hub: Hub, bus: ScriptedBus) -> None:
    member, lane = make_member(hub)
    bus.confirmed.set()
    bus.asked.set()
    bus.is_away = True
    with pytest.raises(BusUnavailable):
        await hub.join(member, [ORG], welcome)
    assert not member.joined
    bus.is_away = False
    await hub.join(member, [ORG], welcome)
    assert member.joined == {ORG}
    assert offsets(lane) == ["welcome e:0"]


async def test_a_member_that_is_over_while_it_waits_joins_nothing(hub: Hub, bus: ScriptedBus) -> None:
    member, lane = make_member(hub)
    join = asyncio.create_task(hub.join(member, [ORG], welcome))
    await asyncio.sleep(0)
    hub.unregister(member, is_clean=True)
    bus.confirmed.set()
    bus.asked.set()
    await join
    assert (offsets(lane), member.joined, hub.channel_count) == ([], frozenset(), 0)
