"""Workflows: what an agent thinks, does and finds out, event by event, as workers post it and browsers see it."""

from enum import StrEnum
from typing import Any

from callboard_contracts.events import EventType
from callboard_contracts.wire import Identifier, Moment, RequestModel, WireModel

MAX_DATA_BYTES = 16 * 1024
"""Bound of an event's ``data`` as JSON: each event goes to everybody who follows the workflow, or all of them."""


class AgentEventType(StrEnum):
    """The bare type, as a payload has it; on the wire an event is of type ``agent:<type>``."""

    THOUGHT = "thought"
    TOOL_CALL = "tool_call"
    RESULT = "result"
    ERROR = "error"

    @property
    def event_type(self) -> EventType:
        return EventType(f"agent:{self}")


class AgentEventPost(RequestModel):
    """``POST /workflows/{workflowId}/events``.

    ``id`` makes it idempotent: the same one again is no second event of the workflow. ``timestamp`` is when it
    happened; now, when it is absent.
    """

    id: Identifier | None = None
    type: AgentEventType
    data: dict[str, Any]
    timestamp: Moment | None = None


class AgentEventBroadcasted(WireModel):
    """The answer: the event is in the channel ``workflows`` at ``position``, and in ``workflow:<workflowId>``.

    ``id`` is the one that was posted, else one that was made for it.
    """

    status: str = "broadcasted"
    position: str
    id: str


class AgentEvent(WireModel):
    """The data of ``agent:*``, to the native socket and to Socket.IO alike."""

    type: AgentEventType
    workflow_id: str
    data: dict[str, Any]
    timestamp: Moment
