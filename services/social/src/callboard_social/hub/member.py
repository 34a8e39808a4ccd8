"""Who hears: members, how they are told, and where it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from callboard_contracts.channels import Channel
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.events import BusEvent
from callboard_contracts.identity import Identity
from callboard_contracts.positions import Position

from callboard_social.wire.connection import Behind
from callboard_social.wire.protocol import Batch, Frame


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

    def follow(self, behind: Behind | None) -> None:
        """Have `behind` caught up with before anything is put in here, or closed."""
        ...

    def enqueue(self, frame: Frame) -> None:
        """Put a frame in, after all that happened before; never waits. Nothing goes in after a close."""
        ...

    def write(self, batch: Batch) -> None:
        """Put in what others get too, as `Feed` says; never waits."""
        ...

    def close(self, code: CloseCode) -> None:
        """Close after what is in."""
        ...

    def drop(self, code: CloseCode) -> None:
        """Close without what waits: it may not be seen any more, or never will be."""
        ...


class Backlog(Protocol):
    """What happened and is not written to everybody yet."""

    def catch_up(self, member: "Member") -> None: ...


@lru_cache(maxsize=1024)
def shared(channels: frozenset[Channel]) -> frozenset[Channel]:
    """The same set for all who hear the same: thousands hear just what everybody hears."""
    return channels


@dataclass(eq=False, slots=True)
class Member:
    """A connection that has proved who it is. The organisation of the identity is the only one it can hear.

    ``seen`` is how far it is in its organisation's `Feed`, ``network`` where it comes from, as `address` has it.
    """

    connection: Outlet
    identity: Identity
    dialect: Dialect
    joined: frozenset[Channel] = frozenset()
    feed: "Backlog | None" = None
    seen: int = 0
    network: bytes = b""

    def catch_up(self) -> None:
        """Write what happened before now."""
        if self.feed is not None:
            self.feed.catch_up(self)


class Audience:
    """The members of one channel that share a dialect."""

    __slots__ = ("channel", "dialect", "members")

    def __init__(self, channel: Channel, dialect: Dialect) -> None:
        self.channel = channel
        self.dialect = dialect
        self.members: dict[str, Member] = {}
