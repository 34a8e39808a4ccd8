"""One native client: what it says is read here, and how it is answered."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog
from callboard_contracts import close_codes, native
from callboard_contracts.channels import GENERAL, ORG, Channel
from callboard_contracts.positions import Position
from callboard_servicekit import strict_json
from callboard_servicekit.errors import Forbidden, ServiceError, TooManyRequests
from pydantic import TypeAdapter, ValidationError

from callboard_social.dialects.native import connected_frame, frame_of
from callboard_social.dialects.native_requests import Handler, NativeRequests, Refused, recovered
from callboard_social.errors import InvalidPositions
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.limits import MAX_MESSAGE_VALUES, MAX_VIOLATIONS_PER_MINUTE, RateLimit
from callboard_social.metrics import UNKNOWN, SocialMetrics
from callboard_social.wire.connection import Connection
from callboard_social.wire.protocol import Frame, bytes_of

log = structlog.get_logger(__name__)

JOINED_AT_CONNECT = (ORG, GENERAL)
_REQUEST_ID: TypeAdapter[str | int] = TypeAdapter(native.RequestId)

Positions = dict[Channel, Position]


def _request_id(message: dict[str, Any]) -> str | int | None:
    """The id of a message that is wrong otherwise, when it has one."""
    try:
        return _REQUEST_ID.validate_python(message.get("id"))
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class NativeService:
    """What the sessions of native clients share."""

    hub: Hub
    requests: NativeRequests
    metrics: SocialMetrics


class Cancellable(Protocol):
    def cancel(self) -> object: ...


class NativeSession:
    """Answers one member's requests, one after the other, and takes it out of the hub when its connection is over."""

    __slots__ = ("_began_at", "_connection", "_deadlines", "_member", "_service", "_violations")

    def __init__(self, member: Member, connection: Connection, service: NativeService) -> None:
        self._member = member
        self._connection = connection
        self._service = service
        self._violations: RateLimit | None = None
        self._deadlines: Sequence[Cancellable] = ()
        self._began_at = 0.0

    async def welcome(self, positions: Positions, expires_at: datetime | None) -> None:
        """Join what every member joins, and what it asked for; ``connected`` is its first frame.

        Raises:
            InvalidPositions: it asked for a room that it is not in.
            Unavailable: the bus cannot be heard, or it cannot be told who is in a room.
        """
        identity = self._member.identity
        try:
            for channel in positions:
                await self._service.requests.require_open(self._member, channel)
        except Forbidden as error:
            raise InvalidPositions from error

        def connected(places: list[tuple[Channel, Position]]) -> Frame:
            found = ((channel, now, recovered(positions.get(channel), now)) for channel, now in places)
            return connected_frame(identity, self._connection.id, expires_at, found)

        await self._service.hub.join(self._member, list(dict.fromkeys([*JOINED_AT_CONNECT, *positions])), connected)

    def begin(self, deadlines: Sequence[Cancellable]) -> None:
        """The connection is open; `deadlines` are what may end it, and are over with it."""
        self._deadlines = deadlines
        self._began_at = time.monotonic()
        self._service.metrics.opened[self._member.dialect.name].inc()
        log.info("connection_opened", kind=self._member.identity.kind, **self._ids())

    def ended(self) -> None:
        for deadline in self._deadlines:
            deadline.cancel()
        self._service.hub.unregister(self._member, is_clean=self._connection.has_parted)
        self._service.metrics.closed(self._connection.close_code, self._connection.peer_code)
        log.info("connection_closed", seconds=round(time.monotonic() - self._began_at, 1), **self._ids())

    def _ids(self) -> dict[str, str]:
        identity = self._member.identity
        return {
            "connection": self._connection.id,
            "user": identity.user_id,
            "organization": identity.organization_id,
        }

    async def handle(self, text: str | None) -> None:
        """Answer one message; never raises for what a client sent."""
        message = self._parse(text)
        kind = message.get("type") if message else None
        model, handler = (
            self._service.requests.handlers.get(kind, (None, None)) if isinstance(kind, str) else (None, None)
        )
        self._service.metrics.inbound(str(kind) if handler else UNKNOWN, bytes_of(text or ""))
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
            message = strict_json.loads(text or "", max_values=MAX_MESSAGE_VALUES)
        except strict_json.InvalidJson:
            return None
        return message if isinstance(message, dict) else None

    async def _answer(self, handler: Handler, request: Any) -> None:
        try:
            reply = await handler(self._member, request)
        except Refused as refusal:
            self._error(request.id, refusal.code, refusal.message)
        except ServiceError as error:
            self._error(request.id, error.code, error.detail, temporary=error.is_temporary)
        else:
            if reply is not None:
                self._reply(reply)

    def _reply(self, frame: Frame) -> None:
        self._service.metrics.outbound(frame)
        self._member.connection.enqueue(frame)

    def _error(self, reply_to: str | int | None, code: str, message: str, *, temporary: bool = False) -> None:
        self._reply(frame_of(native.Error(reply_to=reply_to, code=code, message=message, temporary=temporary)))

    def _violation(self, message: dict[str, Any] | None) -> None:
        self._error(_request_id(message or {}), "protocol-violation", native.INVALID_ENVELOPE)
        try:
            self._violations_so_far().spend("")
        except TooManyRequests:
            log.info("connection_violates_protocol", connection=self._member.connection.id)
            self._member.connection.close(close_codes.PROTOCOL_VIOLATIONS)

    def _violations_so_far(self) -> RateLimit:
        if self._violations is None:
            limited = self._service.metrics.limited("violations")
            self._violations = RateLimit(MAX_VIOLATIONS_PER_MINUTE - 1, limited)
        return self._violations
