"""One channel on this node: its members, and where it stands."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from callboard_contracts.channels import Channel, ChannelKind
from callboard_contracts.events import BusEvent
from callboard_contracts.positions import Position

from callboard_social.hub.feed import Feed
from callboard_social.hub.member import Audience, Dialect, Member, shared
from callboard_social.wire.protocol import Frame


class Sent(NamedTuple):
    """A frame, and how many members it is for."""

    frame: Frame
    receivers: int


class Order(Enum):
    """How an event relates to what the channel has seen."""

    NEXT = "next"
    SEEN = "seen"
    GAP = "gap"


class Delivery(NamedTuple):
    """What became of an event, and what went out for it."""

    order: Order
    sent: list[Sent]


def order_of(channel: Channel, last: Position, position: Position, event: BusEvent) -> Order:
    """Judge an event by its position, parsed already; in ``execution:*`` by attempt and line."""
    if channel.kind is ChannelKind.EXECUTION:
        return _order_of_lines(last, position, int(event.data["firstLine"]))
    if position.epoch != last.epoch:
        return Order.GAP
    if position.offset <= last.offset:
        return Order.SEEN
    return Order.NEXT if position.offset == last.offset + 1 else Order.GAP


def _order_of_lines(last: Position, position: Position, first_line: int) -> Order:
    attempt, last_attempt = int(position.epoch), int(last.epoch)
    if (attempt, position.offset) <= (last_attempt, last.offset):
        return Order.SEEN
    is_next_line = attempt == last_attempt and first_line == last.offset + 1
    is_new_attempt = attempt > last_attempt and first_line == 1
    return Order.NEXT if is_next_line or is_new_attempt else Order.GAP


def is_ahead(channel: Channel, position: Position, last: Position) -> bool:
    """True when the channel has moved on from `last`; a new epoch is always ahead."""
    if channel.kind is ChannelKind.EXECUTION:
        return (int(position.epoch), position.offset) > (int(last.epoch), last.offset)
    return position.epoch != last.epoch or position.offset > last.offset


def place_before(channel: Channel, event: BusEvent) -> Position:
    """The position from which the event is the next one."""
    position = Position.parse(event.position)
    if channel.kind is ChannelKind.EXECUTION:
        return Position(position.epoch, int(event.data["firstLine"]) - 1)
    return Position(position.epoch, position.offset - 1)


class LiveChannel:
    """Members by dialect, and the position of the last event that was for them.

    It takes members once it is open: then it is heard, and what was published before is told by its position.
    `waiting` counts joins that have not finished, so that the channel stays while they wait for the bus.
    """

    __slots__ = ("_audiences", "channel", "feed", "is_open", "organization_id", "position", "waiting")

    def __init__(self, organization_id: str, channel: Channel, feed: Feed) -> None:
        self.organization_id = organization_id
        self.channel = channel
        self.feed = feed
        self._audiences: dict[Dialect, Audience] = {}
        self.position: Position | None = None
        self.is_open = False
        self.waiting = 0

    @property
    def members(self) -> Mapping[Dialect, Mapping[str, Member]]:
        """By dialect and id of their connection."""
        return {dialect: audience.members for dialect, audience in self._audiences.items()}

    @property
    def is_idle(self) -> bool:
        return not self._audiences and not self.waiting

    def is_behind(self, position: Position) -> bool:
        return self.position is None or is_ahead(self.channel, position, self.position)

    def open_at(self, position: Position) -> None:
        """Heard from now on, and asked where it stands; events that came between the two may be further."""
        if self.is_behind(position):
            self.position = position
        self.is_open = True

    def advance(self) -> Position:
        """Take the next position; for a channel whose events this node makes itself."""
        assert self.position is not None  # noqa: S101 - it is open
        self.position = Position(self.position.epoch, self.position.offset + 1)
        return self.position

    def add(self, member: Member) -> None:
        member.catch_up()  # what happened in this channel before is not for it
        audience = self._audiences.get(member.dialect)
        if audience is None:
            audience = self._audiences[member.dialect] = Audience(self.channel, member.dialect)
        audience.members[member.connection.id] = member
        member.joined = shared(member.joined | {self.channel})

    def remove(self, member: Member) -> None:
        member.catch_up()  # what happened until now is for it
        audience = self._audiences.get(member.dialect)
        if audience is not None:
            audience.members.pop(member.connection.id, None)
            if not audience.members:
                del self._audiences[member.dialect]
        member.joined = shared(member.joined - {self.channel})

    def deliver(self, event: BusEvent) -> Delivery:
        """Give an event to every member, once and in order.

        What was seen before is dropped. When something is missing before the event, members are told to fetch the
        snapshot first.
        """
        position = Position.parse(event.position)
        order = Order.NEXT if self.position is None else order_of(self.channel, self.position, position, event)
        sent: list[Sent] = []
        if order is Order.SEEN:
            return Delivery(order, sent)
        if order is Order.GAP:
            sent += self.reset(place_before(self.channel, event))
        self.position = position
        for audience in self._audiences.values():
            sent += self._deliver_to(audience, event)
        return Delivery(order, sent)

    def _deliver_to(self, audience: Audience, event: BusEvent) -> list[Sent]:
        frame = audience.dialect.event(self.channel, event)
        author = audience.members.get(event.origin.connection) if event.origin else None
        if author is None:
            return self._give(audience, frame)
        author.catch_up()
        sent = self._give(audience, frame, but=author)
        echo = audience.dialect.echo(self.channel, event)
        if echo is not None:
            author.connection.enqueue(echo)
            sent.append(Sent(echo, 1))
        return sent

    def _give(self, audience: Audience, frame: Frame | None, but: Member | None = None) -> list[Sent]:
        """Have everybody told, `but` one that has caught up."""
        if frame is None:
            return []
        receivers = len(audience.members)
        self.feed.publish(audience, frame)
        if but is not None:
            self.feed.skip(but)
            receivers -= 1
        return [Sent(frame, receivers)] if receivers else []

    def reset(self, position: Position) -> list[Sent]:
        """Tell every member that what it has no longer leads to what comes; go on after `position`."""
        self.position = position
        sent = []
        for audience in self._audiences.values():
            sent += self._give(audience, audience.dialect.reset(self.channel, position))
        return sent
