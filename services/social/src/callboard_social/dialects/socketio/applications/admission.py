"""At the door of our Socket.IO applications: who is it, and may there be one more of them."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import structlog
from callboard_contracts import close_codes
from callboard_contracts.channels import Channel
from callboard_contracts.identity import Identity
from callboard_servicekit.authentication import bearer_token
from callboard_servicekit.errors import NotAuthenticated, OriginRefused, ServiceError
from callboard_servicekit.revocations import Revocations
from callboard_servicekit.token_verifier import InvalidToken
from starlette.requests import HTTPConnection

from callboard_social.address import network_of
from callboard_social.capacity import Capacity
from callboard_social.dialects.socketio.socket import Socket
from callboard_social.errors import TicketRefused, TokenRequired
from callboard_social.handshake import Handshake
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Dialect, Member
from callboard_social.lifetime import Lifetime
from callboard_social.metrics import SocialMetrics
from callboard_social.wire.protocol import Frame

log = structlog.get_logger(__name__)


class Refusal(StrEnum):
    """Why somebody is not let in, for good; each application has its own words for it."""

    MISSING = "missing"
    INVALID = "invalid"
    TOO_MANY = "too-many"


class NotAdmitted(Exception):
    """With this credential another attempt ends the same way."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Admission:
    """Lets sockets in. One for all applications."""

    def __init__(
        self,
        *,
        handshake: Handshake,
        hub: Hub,
        revocations: Revocations,
        lifetime: Lifetime,
        capacity: Capacity,
        metrics: SocialMetrics,
    ) -> None:
        self._handshake = handshake
        self._hub = hub
        self._revocations = revocations
        self._lifetime = lifetime
        self._capacity = capacity
        self._metrics = metrics

    async def presented(self, request: HTTPConnection) -> Identity | None:
        """The identity of a token that the Engine.IO handshake itself carries; None without one.

        Raises:
            InvalidToken: there is one, and it is bad: the answer is 401 before there is a session.
            ServiceError: nobody can be let in now.
        """
        token = bearer_token(request) or request.query_params.get("token")
        if token is None:
            return None
        try:
            return await self._handshake.identify_token(request, token)
        except TicketRefused as refusal:
            self._metrics.refused.labels(int(InvalidToken.status)).inc()
            raise InvalidToken(refusal.reason) from refusal
        except ServiceError as error:
            self._metrics.refused.labels(int(error.status)).inc()
            raise

    async def identify(self, socket: Socket, auth: Mapping[str, Any], presented: Identity | None) -> Identity:
        """Who it is: by the token in `auth`, else by the one of the handshake, else by its cookie.

        Raises:
            NotAdmitted: for good.
            ServiceError: for now; the client should come back.
        """
        try:
            identity = await self._prove(socket.request, auth, presented)
        except (TokenRequired, OriginRefused) as error:
            raise self._refused(Refusal.MISSING, HTTPStatus.UNAUTHORIZED) from error
        except (NotAuthenticated, TicketRefused) as error:
            raise self._refused(Refusal.INVALID, HTTPStatus.UNAUTHORIZED) from error
        if not self._capacity.has_room_for(identity):
            raise self._refused(Refusal.TOO_MANY, close_codes.CONNECTION_LIMIT.code)
        return identity

    async def _prove(self, request: HTTPConnection, auth: Mapping[str, Any], presented: Identity | None) -> Identity:
        named = [token for token in (auth.get("token"), auth.get("jwt")) if token is not None and token != ""]
        if named:
            if not isinstance(named[0], str):
                raise InvalidToken
            return await self._handshake.identify_token(request, named[0])
        if presented is not None:
            self._capacity.require_place(network_of(request))  # it was proved before the session was open
            if await self._revocations.is_revoked(presented):
                raise InvalidToken
            return presented
        return await self._handshake.identify(request, None)

    def _refused(self, refusal: Refusal, code: int) -> NotAdmitted:
        self._metrics.refused.labels(int(code)).inc()
        return NotAdmitted(refusal)

    def seat(self, socket: Socket, identity: Identity, dialect: Dialect) -> "Seat":
        """Make it a member, until its `Seat` ends."""
        socket.admit()
        member = Member(socket, identity, dialect, network=network_of(socket.request))
        self._hub.register(member)
        self._metrics.opened[dialect.name].inc()
        timers = self._lifetime.start(
            identity, warn=lambda: None, end=lambda: socket.close(close_codes.IDENTITY_EXPIRED)
        )
        ids = {"socket": socket.id, "user": identity.user_id, "organization": identity.organization_id}
        log.info("socketio_connected", namespace=socket.namespace, **ids)
        return Seat(member, socket, self._hub, self._revocations, timers)


class Seat:
    """One socket that has proved who it is, and what it hears."""

    __slots__ = ("_hub", "_revocations", "_socket", "_timers", "member")

    def __init__(
        self,
        member: Member,
        socket: Socket,
        hub: Hub,
        revocations: Revocations,
        timers: Sequence[asyncio.TimerHandle],
    ) -> None:
        self.member = member
        self._socket = socket
        self._hub = hub
        self._revocations = revocations
        self._timers = timers

    async def join(self, channels: Sequence[Channel], greeting: Frame | None = None) -> None:
        """Enter channels; `greeting` comes before any of their events. Raises `Unavailable`.

        Before CONNECT is answered this answers it, in the moment in which the channels are entered: who is told that
        it is connected misses nothing from then on.
        """

        def welcome(_places: object) -> Frame | None:
            self._socket.connect()
            return greeting

        await self._hub.join(self.member, channels, welcome)
        # Between its check and its registration a session may have ended; from here on the hub closes it.
        if await self._revocations.is_revoked(self.member.identity):
            self._socket.drop(close_codes.SESSION_REVOKED)

    def leave(self, channel: Channel) -> None:
        self._hub.leave(self.member, channel)

    def end(self, *, is_clean: bool) -> None:
        for timer in self._timers:
            timer.cancel()
        self._hub.unregister(self.member, is_clean=is_clean)
        log.info("socketio_disconnected", socket=self._socket.id, namespace=self._socket.namespace)
