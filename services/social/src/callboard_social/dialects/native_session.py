"""One native client: what it asks, and how it is answered."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from callboard_contracts import close_codes, native
from callboard_contracts.channels import GENERAL, ORG, Channel, ChannelKind
from callboard_contracts.events import EventType
from callboard_contracts.identity import Role
from callboard_contracts.positions import Position
from callboard_contracts.wire import format_time
from callboard_servicekit import strict_json
from callboard_servicekit.errors import ServiceError, TooManyRequests
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.request_context import current_request_id
from pydantic import BaseModel, TypeAdapter, ValidationError

from callboard_social.dialects.native import frame_of
from callboard_social.hub.channel import Member
from callboard_social.hub.hub import Hub
from callboard_social.limits import RateLimit
from callboard_social.metrics import UNKNOWN, SocialMetrics
from callboard_social.wire.protocol import Frame, bytes_of

log = structlog.get_logger(__name__)

MAX_VIOLATIONS_PER_MINUTE = 100
MAX_CHANNELS = 128
"""Bound of the channels that one socket is in."""
JOINED_AT_CONNECT = (ORG, GENERAL)
_REQUEST_ID: TypeAdapter[str | int] = TypeAdapter(native.RequestId)
_CHAT_FIELDS = frozenset({"id", "userId", "login", "content", "clientId"})

Positions = dict[Channel, Position]


class Refused(Exception):
    """A request that is well-formed and cannot be granted."""

    def __init__(self, code: str, message: str, *, temporary: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.temporary = temporary


def _recovered(asked: Position | None, now: Position) -> bool | None:
    """What a joiner is told: True only when nothing happened since the position it has."""
    return None if asked is None else asked == now


def _request_id(message: dict[str, Any]) -> str | int | None:
    """The id of a message that is wrong otherwise, when it has one."""
    try:
        return _REQUEST_ID.validate_python(message.get("id"))
    except ValidationError:
        return None


def parse_channel(name: str) -> Channel:
    """The channel of this name; raises `Refused`."""
    try:
        return Channel.parse(name)
    except ValueError as error:
        raise Refused("unknown-channel", "There is no channel of this name.") from error


def open_channel(name: str) -> Channel:
    """The channel of this name, if everybody in the organisation may hear it; raises `Refused`."""
    channel = parse_channel(name)
    if channel.kind is ChannelKind.ROOM and channel != GENERAL:
        raise Refused("forbidden", "This room is not open to you.")
    return channel


class NativeSession:
    """Answers one member's requests, one after the other."""

    def __init__(self, member: Member, hub: Hub, relay: Relay, metrics: SocialMetrics) -> None:
        self._member = member
        self._hub = hub
        self._relay = relay
        self._metrics = metrics
        self._violations = RateLimit(MAX_VIOLATIONS_PER_MINUTE - 1, metrics.limited("violations"))
        self._handlers: dict[str, tuple[type[BaseModel], Callable[[Any], Awaitable[None]]]] = {
            "subscribe": (native.Subscribe, self._subscribe),
            "unsubscribe": (native.Unsubscribe, self._unsubscribe),
            "chat": (native.Chat, self._chat),
            "message": (native.Chat, self._chat),
            "ping": (native.Ping, self._ping),
        }

    async def welcome(self, positions: Positions, expires_at: datetime | None) -> None:
        """Join what every member joins, and what it asked for; ``connected`` is its first frame.

        Raises `Unavailable` when the bus cannot be heard.
        """
        identity = self._member.identity

        def connected(places: list[tuple[Channel, Position]]) -> Frame:
            return frame_of(
                native.Connected(
                    user_id=identity.user_id,
                    login=identity.login,
                    organization_id=identity.organization_id,
                    role=identity.role,
                    connection_id=self._member.connection.id,
                    expires_at=None if expires_at is None else format_time(expires_at),
                    channels=tuple(
                        native.ChannelState(
                            channel=str(channel),
                            position=str(position),
                            recovered=_recovered(positions.get(channel), position),
                        )
                        for channel, position in places
                    ),
                )
            )

        await self._hub.join(self._member, list(dict.fromkeys([*JOINED_AT_CONNECT, *positions])), connected)

    async def handle(self, text: str | None) -> None:
        """Answer one message; never raises for what a client sent."""
        message = self._parse(text)
        kind = message.get("type") if message else None
        model, handler = self._handlers.get(kind, (None, None)) if isinstance(kind, str) else (None, None)
        self._metrics.inbound(str(kind) if handler else UNKNOWN, bytes_of(text or ""))
        if message is None or model is None or handler is None:
            self._violation(message)
            return
        try:
            request = model.model_validate(message)
        except ValidationError:
            self._violation(message)
            return
        await self._answer(handler, request)

    @staticmethod
    def _parse(text: str | None) -> dict[str, Any] | None:
        try:
            message = strict_json.loads(text or "")
        except strict_json.InvalidJson:
            return None
        return message if isinstance(message, dict) else None

    async def _answer(self, handler: Callable[[Any], Awaitable[None]], request: Any) -> None:
        try:
            await handler(request)
        except Refused as refusal:
            self._error(request.id, refusal.code, refusal.message, temporary=refusal.temporary)
        except ServiceError as error:
            self._error(request.id, error.code, error.detail, temporary=True)

    def _reply(self, message: native.ServerFrame) -> None:
        frame = frame_of(message)
        self._metrics.outbound(frame)
        self._member.connection.enqueue(frame)

    def _error(self, reply_to: str | int | None, code: str, message: str, *, temporary: bool = False) -> None:
        self._reply(native.Error(reply_to=reply_to, code=code, message=message, temporary=temporary))

    def _violation(self, message: dict[str, Any] | None) -> None:
        self._error(_request_id(message or {}), "protocol-violation", native.INVALID_ENVELOPE)
        try:
            self._violations.spend("")
        except TooManyRequests:
            log.info("connection_violates_protocol", connection=self._member.connection.id)
            self._member.connection.close(close_codes.PROTOCOL_VIOLATIONS)

    async def _subscribe(self, request: native.Subscribe) -> None:
        channel = open_channel(request.channel)
        asked = self._asked_position(request)
        if len(self._member.joined | {channel}) > MAX_CHANNELS:
            raise Refused("channel-limit", f"A socket is in at most {MAX_CHANNELS} channels.")

        def subscribed(places: list[tuple[Channel, Position]]) -> Frame:
            [(_, position)] = places
            return frame_of(
                native.Subscribed(
                    reply_to=request.id,
                    channel=str(channel),
                    position=str(position),
                    recovered=_recovered(asked, position),
                )
            )

        await self._hub.join(self._member, [channel], subscribed)

    @staticmethod
    def _asked_position(request: native.Subscribe) -> Position | None:
        if request.position is None:
            return None
        try:
            return Position.parse(request.position)
        except ValueError as error:
            raise Refused("invalid-position", "A position is <epoch>:<offset>.") from error

    async def _unsubscribe(self, request: native.Unsubscribe) -> None:
        channel = open_channel(request.channel)
        self._hub.leave(self._member, channel)
        self._reply(native.Unsubscribed(reply_to=request.id, channel=str(channel)))

    async def _chat(self, request: native.Chat) -> None:
        identity = self._member.identity
        room = open_channel(str(Channel.room(request.room))) if request.room is not None else GENERAL
        if not identity.role.includes(Role.MEMBER):
            raise Refused("forbidden", "Viewers read only.")
        data = {name: value for name, value in (request.model_extra or {}).items() if name not in _CHAT_FIELDS}
        data |= {"id": uuid.uuid4().hex, "userId": identity.user_id, "login": identity.login}
        data["content"] = request.content
        if request.client_id is not None:
            data["clientId"] = request.client_id
        body = {
            "type": EventType.CHAT,
            "at": format_time(datetime.now(UTC)),
            "data": data,
            "origin": {"connection": self._member.connection.id, "request": request.id},
            "requestId": current_request_id(),
        }
        await self._relay.publish(identity.organization_id, room, strict_json.dumps(body))

    async def _ping(self, request: native.Ping) -> None:
        self._reply(native.Pong(reply_to=request.id))
