"""Events: what happens in a channel, in the two forms in which it crosses a boundary.

On the bus an event is a `BusEvent` (one JSON object with a version, so that mixed releases can run). To a native
client it is an `Event`. Both are made once per event, never per receiver.
"""

from enum import StrEnum
from typing import Any, Literal

from callboard_contracts.wire import WireModel


class EventType(StrEnum):
    EXECUTION_UPDATED = "execution-updated"
    EXECUTION_LOG = "execution-log"
    CHAT = "chat"
    ECHO = "echo"
    """A chat, as the connection that sent it sees it."""
    ROOM_MEMBER = "room:member"
    """Somebody's membership of the room has changed; ``data`` is ``{userId, role}``, role null when it has ended."""
    PRESENCE_UPDATE = "presence:update"
    PRESENCE_CHANGED = "presence:changed"
    """Between nodes only, and never in a stream: who is in this channel has changed; its position says nothing."""
    AGENT_THOUGHT = "agent:thought"
    AGENT_TOOL_CALL = "agent:tool_call"
    AGENT_RESULT = "agent:result"
    AGENT_ERROR = "agent:error"


class Origin(WireModel):
    """The connection, and its request's ``id``, that an event came from."""

    connection: str
    request: str | int | None = None


class BusEvent(WireModel):
    """What the relay publishes and keeps in a channel's stream. ``posted`` is the body as the worker sent it."""

    v: Literal[1] = 1
    position: str
    type: str
    at: str
    data: dict[str, Any]
    posted: dict[str, Any] | None = None
    origin: Origin | None = None
    request_id: str | None = None


class Event(WireModel):
    """An event as a native client receives it; ``replyTo`` only in an echo."""

    type: str
    channel: str
    position: str
    at: str
    data: dict[str, Any]
    reply_to: str | int | None = None
