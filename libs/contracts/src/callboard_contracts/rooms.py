"""Rooms of an organisation, who is in them, and what is said there."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from callboard_contracts.channels import GENERAL
from callboard_contracts.native import MAX_CHAT_LENGTH, MAX_CLIENT_ID
from callboard_contracts.wire import Identifier, Moment, RequestModel, WireModel

GENERAL_ID = str(GENERAL.id)
"""The room that exists in every organisation without being made, and that everybody is in."""
GENERAL_NAME = "General"
MAX_NAME_LENGTH = 128
MAX_MESSAGE_FIELDS_BYTES = 16 * 1024
"""Bound of the fields that a message carries beyond the known ones, as JSON."""
MAX_SEQUENCE = 2**53 - 1
MAX_PAGE = 200
DEFAULT_PAGE = 50

RoomName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH, strip_whitespace=True)]
Sequence = Annotated[int, Field(ge=1, le=MAX_SEQUENCE)]


class RoomRole(StrEnum):
    """What somebody may do in a room; each includes the ones after it. A viewer reads only."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def includes(self, other: "RoomRole") -> bool:
        """True when this role may do all that ``other`` may."""
        order = list(RoomRole)
        return order.index(self) <= order.index(other)


class RoomVisibility(StrEnum):
    """Everybody of the organisation sees an open room and may join it; a private one only its members see."""

    PRIVATE = "private"
    OPEN = "open"


class RoomCreate(RequestModel):
    """``POST /rooms``; without ``id`` one is made."""

    id: Identifier | None = None
    name: RoomName
    visibility: RoomVisibility = RoomVisibility.PRIVATE


class Room(WireModel):
    """A room as one identity sees it: ``role`` is its own role there, None when it is not in.

    ``createdBy`` and ``createdAt`` are None for ``general``.
    """

    id: str
    name: str
    visibility: RoomVisibility
    role: RoomRole | None
    created_by: str | None
    created_at: Moment | None


class RoomPage(WireModel):
    """``nextCursor`` is None at the end."""

    rooms: tuple[Room, ...]
    next_cursor: str | None


class RoomMemberSet(RequestModel):
    """``POST /rooms/{id}/members``: be in the room with this role from now on."""

    user_id: Identifier
    role: RoomRole


class RoomMember(WireModel):
    """``role`` is the one that was given; somebody who is a viewer in the organisation has no more than that."""

    user_id: str
    role: RoomRole
    added_at: Moment


class RoomMemberPage(WireModel):
    """``nextCursor`` is None at the end."""

    members: tuple[RoomMember, ...]
    next_cursor: str | None


class MessageCreate(WireModel):
    """``POST /rooms/{id}/messages``. ``clientId`` makes it safe to send again; unknown fields are passed on."""

    model_config = ConfigDict(extra="allow")

    content: Annotated[str, StringConstraints(max_length=MAX_CHAT_LENGTH)]
    client_id: Annotated[str, StringConstraints(max_length=MAX_CLIENT_ID)] | None = None


class Message(WireModel):
    """A stored message. ``sequence`` counts the messages of its room from 1, without a hole.

    But for ``at`` these are the data of a ``chat`` event; ``clientId`` is absent when none was given.
    """

    model_config = ConfigDict(extra="allow")

    id: str
    user_id: str
    login: str
    content: str
    client_id: str | None = None
    sequence: int
    at: Moment


class MessagePage(WireModel):
    """Newest first. Ask for ``before=nextBefore`` to go on into the past; None at its beginning."""

    messages: tuple[Message, ...]
    next_before: int | None


RESERVED_MESSAGE_FIELDS = frozenset(
    {"id", "userId", "agentId", "roomId", "login", "content", "clientId", "sequence", "at"}
)
"""Names a field that is passed on may not take."""


def passed_fields(extra: dict[str, Any] | None) -> dict[str, Any]:
    """What a message carries beyond the known fields, without the names that are ours."""
    return {name: value for name, value in (extra or {}).items() if name not in RESERVED_MESSAGE_FIELDS}
