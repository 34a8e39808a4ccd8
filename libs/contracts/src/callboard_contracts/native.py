"""The native dialect, ``callboard.v1``: what a client may ask on the socket, and what it is answered."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from callboard_contracts.identity import Role
from callboard_contracts.presence import PresentUser
from callboard_contracts.wire import RequestModel, WireModel

SUBPROTOCOL = "callboard.v1"
TICKET_SUBPROTOCOL_PREFIX = "ticket."
WELCOME = "Welcome to Social WebSocket!"
INVALID_ENVELOPE = "Invalid message envelope"
MAX_INBOUND_BYTES = 64 * 1024
MAX_REQUEST_ID = 128
MAX_CHAT_LENGTH = 16 * 1024
MAX_CLIENT_ID = 128
MAX_POSITIONS = 32
MAX_TAIL = 1_000

RequestId = (
    Annotated[str, StringConstraints(max_length=MAX_REQUEST_ID)]
    | Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]
)
RoomId = Annotated[str, StringConstraints(max_length=128)]
ChannelName = Annotated[str, StringConstraints(max_length=160)]


class Subscribe(RequestModel):
    """Join a channel; at most one of ``position`` (go on from there) and ``tail`` (the last n events)."""

    type: Literal["subscribe"]
    id: RequestId | None = None
    channel: ChannelName
    position: Annotated[str, StringConstraints(max_length=64)] | None = None
    tail: Annotated[int, Field(ge=0, le=MAX_TAIL, strict=True)] | None = None


class Unsubscribe(RequestModel):
    type: Literal["unsubscribe"]
    id: RequestId | None = None
    channel: ChannelName


class Chat(WireModel):
    """Say something in a room; fields beyond the known ones are passed on."""

    model_config = ConfigDict(extra="allow")

    type: Literal["chat", "message"]
    id: RequestId | None = None
    content: Annotated[str, StringConstraints(max_length=MAX_CHAT_LENGTH)]
    room: RoomId | None = None
    client_id: Annotated[str, StringConstraints(max_length=MAX_CLIENT_ID)] | None = None


class RoomJoin(RequestModel):
    """Subscribe to the room's channel; answered with ``subscribed``."""

    type: Literal["room:join"]
    id: RequestId | None = None
    room: RoomId


class RoomLeave(RequestModel):
    """Unsubscribe from the room's channel; answered with ``unsubscribed``."""

    type: Literal["room:leave"]
    id: RequestId | None = None
    room: RoomId


class PresenceList(RequestModel):
    """Who is in the organisation now, or in one room; answered with ``presence``."""

    type: Literal["presence:list"]
    id: RequestId | None = None
    room: RoomId | None = None


class Ping(RequestModel):
    type: Literal["ping"]
    id: RequestId | None = None


class ChannelState(WireModel):
    """Where a channel stands as a socket joins it.

    ``recovered``: True nothing was missed since the position asked for, False something may have been,
    None nothing was asked for.
    """

    channel: str
    position: str
    recovered: bool | None = None


class Connected(WireModel):
    """The first frame. ``expiresAt`` is None for a socket that lives as long as its session."""

    type: Literal["connected"] = "connected"
    user_id: str
    login: str
    organization_id: str
    role: Role
    connection_id: str
    message: str = WELCOME
    expires_at: str | None
    channels: tuple[ChannelState, ...]


class Subscribed(WireModel):
    type: Literal["subscribed"] = "subscribed"
    reply_to: str | int | None = None
    channel: str
    position: str
    recovered: bool | None = None


class Unsubscribed(WireModel):
    type: Literal["unsubscribed"] = "unsubscribed"
    reply_to: str | int | None = None
    channel: str


class Presence(WireModel):
    type: Literal["presence"] = "presence"
    reply_to: str | int | None = None
    room: str | None = None
    users: tuple[PresentUser, ...]


class Pong(WireModel):
    type: Literal["pong"] = "pong"
    reply_to: str | int | None = None


class Error(WireModel):
    """``temporary``: the same request may work later."""

    type: Literal["error"] = "error"
    reply_to: str | int | None = None
    code: str
    message: str
    temporary: bool = False


class Reset(WireModel):
    """History no longer reaches what this client has: fetch the snapshot, go on from ``position``."""

    type: Literal["reset"] = "reset"
    channel: str
    position: str


class Bus(WireModel):
    type: Literal["bus"] = "bus"
    state: Literal["lost", "back"]


class Expiring(WireModel):
    """The identity has expired; the socket closes with 4001 unless it is renewed in time."""

    type: Literal["expiring"] = "expiring"


class Draining(WireModel):
    """This node stops: the socket closes with 1001 right after, and its client comes back in ``retryAfterMs``."""

    type: Literal["draining"] = "draining"
    retry_after_ms: Annotated[int, Field(ge=1)]


ServerFrame = Connected | Subscribed | Unsubscribed | Presence | Pong | Error | Reset | Bus | Expiring | Draining


def dump_frame(frame: ServerFrame) -> str:
    """The frame's JSON object; ``replyTo`` only when the request had an ``id``."""
    is_asked = getattr(frame, "reply_to", None) is not None
    return frame.model_dump_json(by_alias=True, exclude=None if is_asked else {"reply_to"})
