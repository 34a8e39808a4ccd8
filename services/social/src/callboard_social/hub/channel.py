"""One channel on this node: its members, and where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from callboard_contracts.channels import Channel, ChannelKind
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.events import BusEvent
from callboard_contracts.identity import Identity
from callboard_contracts.positions import Position

from callboard_social.wire.protocol import Frame


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """Somebody came, or went."""

    user_id: str
    login: str
    is_online: bool


class Dialect(Protocol):
    """How one kind of client is told things. A frame is encoded once and goes to all members of the dialect.

    None where its clients are not told at all.
    """

    @property
    def name(self) -> str: ...

    def event(self, channel: Channel, event: BusEvent) -> Frame | None: ...

    def echo(self, channel: Channel, event: BusEvent) -> Frame | None:
        """The event as the connection sees it that it came from."""
        ...

    def reset(self, channel: Channel, position: Position) -> Frame | None: ...

    def bus(self, *, is_back: bool) -> Frame | None: ...

    def hears_presence(self, channel: Channel) -> bool:
        """True when members of this channel are told who is in it."""
        ...

    def presence(self, channel: Channel, position: Position, changes: Sequence[PresenceChange]) -> Sequence[Frame]:
        """What members of a channel that hears presence are told, in order."""
        ...


class Outlet(Protocol):
    """Where a member's frames go: a socket of its own, or its part of a socket that several members share."""

    @property
    def id(self) -> str:
        """Names it in logs, and as an event's origin."""
        ...

    def enqueue(self, frame: Frame) -> None:
        """Put a frame into the lane; never waits. Nothing goes in after a close."""
        ...

    def close(self, code: CloseCode) -> None:
        """Close after what is in the lane."""
        ...

    def drop(self, code: CloseCode) -> None:
        """Close without what is in the lane: it may not be seen any more, or never will be."""
        ...


@dataclass(eq=False, slots=True)
class Member:
    """A connection that has proved who it is. The organisation of the identity is the only one it can hear."""

    connection: Outlet
    identity: Identity
    dialect: Dialect
    joined: set[Channel] = field(default_factory=set)


class Sent(NamedTuple):
    """A frame, and how many lanes it was put into."""

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


def order_of(channel: Channel, last: Position, event: BusEvent) -> Order:
    """Judge an event by its position; in ``execution:*`` by attempt and line."""
    position = Position.parse(event.position)
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
    """Members by dialect, and the position of the last event that went to them.

    It takes members once it is open: then it is heard, and what was published before is told by its position.
    `waiting` counts joins that have not finished, so that the channel stays while they wait for the bus.
    """

    __slots__ = ("channel", "is_open", "members", "organization_id", "position", "waiting")

    def __init__(self, organization_id: str, channel: Channel) -> None:
        self.organization_id = organization_id
        self.channel = channel
        self.members: dict[Dialect, dict[str, Member]] = {}
        self.position: Position | None = None
        self.is_open = False
        self.waiting = 0

    @property
    def is_idle(self) -> bool:
        return not self.members and not self.waiting

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
        self.members.setdefault(member.dialect, {})[member.connection.id] = member
        member.joined.add(self.channel)

    def remove(self, member: Member) -> None:
        same_dialect = self.members.get(member.dialect, {})
        same_dialect.pop(member.connection.id, None)
        if not same_dialect:
            self.members.pop(member.dialect, None)
        member.joined.discard(self.channel)

    def deliver(self, event: BusEvent) -> Delivery:
        """Give an event to every member, once and in order.

        What was seen before is dropped. When something is missing before the event, members are told to fetch the
        snapshot first.
        """
        order = Order.NEXT if self.position is None else order_of(self.channel, self.position, event)
        sent: list[Sent] = []
        if order is Order.SEEN:
            return Delivery(order, sent)
        if order is Order.GAP:
            sent += self.reset(place_before(self.channel, event))
        self.position = Position.parse(event.position)
        for dialect, members in self.members.items():
            sent += self._deliver_to(dialect, members, event)
        return Delivery(order, sent)

    def _deliver_to(self, dialect: Dialect, members: dict[str, Member], event: BusEvent) -> list[Sent]:
        frame = dialect.event(self.channel, event)
        author = members.get(event.origin.connection) if event.origin else None
        others = [member for member in members.values() if member is not author]
        sent = _give(frame, others)
        return sent if author is None else sent + _give(dialect.echo(self.channel, event), [author])

    def reset(self, position: Position) -> list[Sent]:
        """Tell every member that what it has no longer leads to what comes; go on after `position`."""
        self.position = position
        sent = []
        for dialect, members in self.members.items():
            sent += _give(dialect.reset(self.channel, position), list(members.values()))
        return sent


def _give(frame: Frame | None, members: Sequence[Member]) -> list[Sent]:
    if frame is None:
        return []
    for member in members:
        member.connection.enqueue(frame)
    return [Sent(frame, len(members))]
