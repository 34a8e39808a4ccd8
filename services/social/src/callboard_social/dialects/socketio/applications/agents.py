"""Path ``/socket.io/``, namespace ``/agents``: rooms, who is in them, and what they say."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

import structlog
from callboard_contracts import agents as wire
from callboard_contracts import close_codes
from callboard_contracts.channels import Channel
from callboard_contracts.events import BusEvent, EventType, Origin
from callboard_contracts.wire import format_time
from callboard_servicekit.errors import ServiceError, TooManyRequests
from pydantic import BaseModel, ValidationError

from callboard_social.dialects.socketio.application import Acknowledge, ConnectRefused, Visit
from callboard_social.dialects.socketio.applications.admission import Admission, NotAdmitted, Refusal, Seat
from callboard_social.dialects.socketio.applications.dialect import SocketIoDialect
from callboard_social.dialects.socketio.socket import Socket, event_frame
from callboard_social.errors import ChannelLimit
from callboard_social.hub.member import PresenceChange
from callboard_social.limits import MAX_CHANNELS, MAX_VIOLATIONS_PER_MINUTE, RateLimit
from callboard_social.rooms.service import Rooms
from callboard_social.wire.protocol import Frame

log = structlog.get_logger(__name__)

NAMESPACE = "/agents"
_REFUSALS = {
    Refusal.MISSING: wire.MISSING_TOKEN,
    Refusal.INVALID: wire.INVALID_TOKEN,
    Refusal.TOO_MANY: wire.TOO_MANY_CONNECTIONS,
}
Answer = dict[str, Any]
Handler = Callable[["AgentsSession", Any], Awaitable[Answer]]


def encode(channel: Channel, event: BusEvent) -> Frame | None:
    if event.type == EventType.CHAT:
        return event_frame(NAMESPACE, "message:new", message_of(channel, event.at, event.data), kind=event.type)
    if event.type == EventType.ROOM_MEMBER:
        told = {"roomId": channel.id, "agentId": event.data["userId"], "role": event.data["role"]}
        return event_frame(NAMESPACE, event.type, told)
    return None


def message_of(channel: Channel, at: str, data: dict[str, Any]) -> Answer:
    """A message as agents know it: by ``roomId`` and ``agentId``."""
    said = {name: value for name, value in data.items() if name != "userId"}
    return said | {"roomId": channel.id, "agentId": data["userId"], "at": at}


def encode_presence(channel: Channel, change: PresenceChange) -> Frame:
    status = "online" if change.is_online else "offline"
    told = {"agentId": change.user_id, "status": status, "roomId": channel.id}
    return event_frame(NAMESPACE, EventType.PRESENCE_UPDATE, told)


class AgentsSession:
    """Answers one agent's requests, one after the other."""

    __slots__ = ("_admission", "_dialect", "_limited", "_rooms", "_seat", "_socket", "_visit")

    def __init__(
        self,
        socket: Socket,
        visit: Visit,
        admission: Admission,
        dialect: SocketIoDialect,
        *,
        rooms: Rooms,
        limited: Callable[[], None],
    ) -> None:
        """`limited` is called for one violation of the protocol too many."""
        self._socket = socket
        self._visit = visit
        self._admission = admission
        self._dialect = dialect
        self._rooms = rooms
        self._limited = limited
        self._seat: Seat | None = None

    async def admit(self, auth: Mapping[str, Any]) -> None:
        try:
            identity = await self._admission.identify(self._socket, auth, self._visit.presented)
        except NotAdmitted as error:
            raise ConnectRefused(_REFUSALS[error.refusal]) from error
        self._seat = self._admission.seat(self._socket, identity, self._dialect)

    async def greet(self) -> None:
        if self._seat is None:
            return
        identity = self._seat.member.identity
        rooms = (await self._rooms.rooms_of(identity))[:MAX_CHANNELS]
        acknowledgement = {
            "agentId": identity.user_id,
            "login": identity.login,
            "organizationId": identity.organization_id,
            "role": identity.role,
            "rooms": rooms,
        }
        greeting = event_frame(NAMESPACE, "agent:hello-ack", acknowledgement)
        await self._seat.join([Channel.room(room) for room in rooms], greeting)

    async def receive(self, event: str, arguments: list[Any], acknowledge: Acknowledge | None) -> None:
        model, handler = self.handlers.get(event, (None, None))
        asked = arguments[0] if arguments and isinstance(arguments[0], dict) and _is_json(arguments[0]) else {}
        if model is None or handler is None:
            self._violation(asked, acknowledge, "unknown-event", "There is no event of this name.")
            return
        try:
            answer = await handler(self, model.model_validate(asked))
        except ValidationError:
            self._violation(asked, acknowledge, "invalid-request", "The event does not have the form this one takes.")
        except ServiceError as error:
            self._refuse(asked, acknowledge, error.code, error.detail, is_temporary=error.is_temporary)
        else:
            if acknowledge is not None:
                acknowledge({"ok": True} | answer)

    async def _join(self, request: wire.RoomRequest) -> Answer:
        seat = self._seated()
        await self._rooms.require_member(seat.member.identity, request.room_id)
        channel = Channel.room(request.room_id)
        if len(seat.member.joined | {channel}) > MAX_CHANNELS:
            raise ChannelLimit
        await seat.join((channel,))
        return self._told("room:joined", request)

    async def _leave(self, request: wire.RoomRequest) -> Answer:
        seat = self._seated()
        await self._rooms.require_member(seat.member.identity, request.room_id)
        seat.leave(Channel.room(request.room_id))
        return self._told("room:left", request)

    def _told(self, event: str, request: wire.RoomRequest) -> Answer:
        answer = {"roomId": request.room_id} | _requested(request.request_id)
        self._socket.emit(event, answer)
        return answer

    async def _send(self, request: wire.MessageSend) -> Answer:
        said = await self._rooms.say(
            self._seated().member.identity,
            request.room_id,
            request.content,
            client_id=request.client_id,
            fields=request.model_extra or {},
            origin=Origin(connection=self._socket.id),
        )
        message = message_of(Channel.room(request.room_id), format_time(said.message.at), said.message.data())
        return {"message": message} | _requested(request.request_id)

    handlers: ClassVar[dict[str, tuple[type[BaseModel], Handler]]] = {
        "room:join": (wire.RoomRequest, _join),
        "room:leave": (wire.RoomRequest, _leave),
        "message:send": (wire.MessageSend, _send),
    }

    def _seated(self) -> Seat:
        assert self._seat is not None  # noqa: S101 - nothing is received before `admit`
        return self._seat

    def _violation(self, asked: Answer, acknowledge: Acknowledge | None, code: str, message: str) -> None:
        self._refuse(asked, acknowledge, code, message, is_temporary=False)
        try:
            self._violations().spend("")
        except TooManyRequests:
            log.info("connection_violates_protocol", socket=self._socket.id)
            self._socket.close(close_codes.PROTOCOL_VIOLATIONS)

    def _violations(self) -> RateLimit:
        """Of the whole session: who connects to the namespace again has none left either."""
        if self._visit.violations is None:
            self._visit.violations = RateLimit(MAX_VIOLATIONS_PER_MINUTE - 1, self._limited)
        return self._visit.violations

    def _refuse(
        self, asked: Answer, acknowledge: Acknowledge | None, code: str, message: str, *, is_temporary: bool
    ) -> None:
        """As an acknowledgement for who asked for one, and as an event for who listens."""
        named = {name: asked[name] for name in ("roomId", "requestId") if isinstance(asked.get(name), str | int)}
        problem = {"code": code, "message": message, "temporary": is_temporary} | named
        self._socket.emit("error", problem)
        if acknowledge is not None:
            acknowledge({"ok": False} | problem)

    def end(self, *, is_clean: bool) -> None:
        if self._seat is not None:
            self._seat.end(is_clean=is_clean)


EVENTS = tuple(AgentsSession.handlers)
"""What clients may emit."""


def _is_json(value: Any) -> bool:
    """False for what has an attachment in it: rooms keep text."""
    if isinstance(value, dict):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    return not isinstance(value, bytes)


def _requested(request_id: str | int | None) -> Answer:
    return {} if request_id is None else {"requestId": request_id}
