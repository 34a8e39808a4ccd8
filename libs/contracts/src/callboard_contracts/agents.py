"""The Socket.IO namespace ``/agents``: what a client may emit, and the texts that refuse a connection."""

from typing import Annotated

from pydantic import ConfigDict, StringConstraints

from callboard_contracts.native import MAX_CHAT_LENGTH, MAX_CLIENT_ID, RequestId, RoomId
from callboard_contracts.wire import RequestModel, WireModel

MISSING_TOKEN = "Missing JWT in handshake"
INVALID_TOKEN = "Invalid or expired JWT"
TOO_MANY_CONNECTIONS = "Too many connections"


class RoomRequest(RequestModel):
    """``room:join`` and ``room:leave``."""

    room_id: RoomId
    request_id: RequestId | None = None


class MessageSend(WireModel):
    """``message:send``; fields beyond the known ones are passed on."""

    model_config = ConfigDict(extra="allow")

    room_id: RoomId
    content: Annotated[str, StringConstraints(max_length=MAX_CHAT_LENGTH)]
    client_id: Annotated[str, StringConstraints(max_length=MAX_CLIENT_ID)] | None = None
    request_id: RequestId | None = None
