"""Rooms and messages, as they are stored and as they cross the wire."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callboard_contracts import rooms as wire
from callboard_contracts.channels import Channel
from callboard_contracts.events import EventType, Origin
from callboard_contracts.positions import Position
from callboard_contracts.rooms import GENERAL_ID, GENERAL_NAME, RoomRole, RoomVisibility
from callboard_contracts.wire import format_time
from callboard_servicekit import strict_json


@dataclass(frozen=True, slots=True)
class RoomKey:
    """Which room, of which organisation."""

    organization_id: str
    id: str

    @property
    def channel(self) -> Channel:
        return Channel.room(self.id)

    @property
    def is_general(self) -> bool:
        return self.id == GENERAL_ID


@dataclass(frozen=True, slots=True)
class Room:
    """``last_sequence`` is its last message's, 0 without one; those up to ``relayed_sequence`` are known to be out."""

    key: RoomKey
    name: str
    visibility: RoomVisibility
    created_by: str | None
    created_at: datetime
    last_sequence: int = 0
    relayed_sequence: int = 0

    @classmethod
    def general(cls, organization_id: str, now: datetime) -> "Room":
        return cls(RoomKey(organization_id, GENERAL_ID), GENERAL_NAME, RoomVisibility.OPEN, None, now)

    def to_wire(self, role: RoomRole | None) -> wire.Room:
        return wire.Room(
            id=self.key.id,
            name=self.name,
            visibility=self.visibility,
            role=role,
            created_by=self.created_by,
            created_at=None if self.key.is_general else self.created_at,
        )


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody is in a room. ``role`` is the one that was given."""

    user_id: str
    role: RoomRole
    added_at: datetime

    def to_wire(self) -> wire.RoomMember:
        return wire.RoomMember(user_id=self.user_id, role=self.role, added_at=self.added_at)


@dataclass(frozen=True, slots=True)
class Message:
    """What was said. ``fields`` are passed on as they came; ``origin`` is the connection that waits for its echo."""

    room: RoomKey
    sequence: int
    id: str
    user_id: str
    login: str
    content: str
    client_id: str | None
    fields: dict[str, Any]
    origin: Origin | None
    request_id: str
    at: datetime

    def data(self) -> dict[str, Any]:
        """The data of its ``chat`` event."""
        known = {"id": self.id, "userId": self.user_id, "login": self.login, "content": self.content}
        if self.client_id is not None:
            known["clientId"] = self.client_id
        return {**self.fields, **known, "sequence": self.sequence}

    def to_wire(self) -> dict[str, Any]:
        """The JSON object of a `callboard_contracts.rooms.Message`."""
        return self.data() | {"at": format_time(self.at)}

    def body(self) -> str:
        """The JSON of its `BusEvent` without ``v`` and ``position``, which the relay puts before it."""
        event = {
            "type": EventType.CHAT,
            "at": format_time(self.at),
            "data": self.data(),
            "requestId": self.request_id,
        }
        if self.origin is not None:
            event["origin"] = self.origin.model_dump(mode="json", by_alias=True)
        return strict_json.dumps(event)


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is stored and relayed: it is in the channel at ``position`` or before it.

    ``is_repeat``: it had been stored by an earlier call. ``is_echoed``: the channel brings the caller's connection its
    echo; when not, this answer is all that the caller gets.
    """

    message: Message
    position: Position
    is_repeat: bool
    is_echoed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first; ``next_before`` is None at the beginning of the room."""

    messages: tuple[Message, ...]
    next_before: int | None
