"""From an upgrade request to a known identity, or a refusal.

Plain ASGI: this is the hot path. What has not proved who it is can be refused and nothing else: an `Upgrade` has no
way to send, and only a proven identity becomes a member of the hub.
"""

import time

from callboard_contracts.close_codes import CloseCode
from callboard_contracts.identity import Identity
from callboard_contracts.native import MAX_POSITIONS, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX
from callboard_contracts.positions import Position
from callboard_servicekit.authentication import Authenticator, bearer_token
from callboard_servicekit.errors import OriginRefused, ServiceError, Unavailable
from callboard_servicekit.problems import render
from callboard_servicekit.revocations import Revocations
from callboard_servicekit.token_verifier import InvalidToken
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from callboard_social.bus import Bus
from callboard_social.dialects.native_session import Positions, Refused, open_channel
from callboard_social.errors import InvalidPositions, TicketInvalid, TicketRefused, TokenRequired
from callboard_social.limits import RateLimit
from callboard_social.metrics import SocialMetrics
from callboard_social.tickets import Tickets


class Upgrade:
    """An upgrade request that is not answered yet."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.connection = HTTPConnection(scope)
        self._scope = scope
        self._receive = receive
        self._send = send

    async def begin(self) -> None:
        await self._receive()  # websocket.connect

    @property
    def address(self) -> str:
        return self.connection.client.host if self.connection.client else ""

    @property
    def _offered(self) -> list[str]:
        protocols: list[str] = self._scope["subprotocols"]
        return protocols

    def ticket(self) -> str | None:
        """The ws-connect token: of the sub-protocols, else of the query, where the seeds' clients put it."""
        for protocol in self._offered:
            if protocol.startswith(TICKET_SUBPROTOCOL_PREFIX):
                return protocol.removeprefix(TICKET_SUBPROTOCOL_PREFIX)
        return self.connection.query_params.get("token")

    def positions(self) -> Positions:
        """Channels to recover, from the query; raises `InvalidPositions`."""
        listed = [part for part in self.connection.query_params.get("positions", "").split(",") if part]
        if len(listed) > MAX_POSITIONS:
            raise InvalidPositions
        try:
            pairs = [part.rpartition("@") for part in listed]
            return {open_channel(name): Position.parse(position) for name, _, position in pairs}
        except (ValueError, Refused) as error:
            raise InvalidPositions from error

    async def accept(self) -> None:
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in self._offered else None
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def refuse(self, error: ServiceError) -> None:
        """Answer with a problem instead of the upgrade."""
        await render(self.connection, error)(self._scope, self._receive, self._send)

    async def accept_and_close(self, code: CloseCode, reason: str) -> None:
        """Browsers and command-line clients can show a close frame; they never show the body of a refusal."""
        await self.accept()
        await self._send({"type": "websocket.close", "code": code.code, "reason": reason})


class Handshake:
    """Proves who is behind an upgrade, by the first credential that is present."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        tickets: Tickets,
        revocations: Revocations,
        bus: Bus,
        failures: RateLimit,
        metrics: SocialMetrics,
    ) -> None:
        self._authenticator = authenticator
        self._tickets = tickets
        self._revocations = revocations
        self._bus = bus
        self._failures = failures
        self._metrics = metrics

    async def identify(self, upgrade: Upgrade) -> Identity:
        """The identity behind an upgrade.

        What refuses for everybody comes first, so that no ticket is burnt for it.

        Raises:
            Unavailable: this node cannot hear, or Redis does not answer.
            TooManyRequests: one more bad credential from an address that presented too many.
            NotAuthenticated: no credential, or a bad cookie or Bearer token.
            OriginRefused: a cookie, from an origin that is not allowed.
            TicketRefused: a bad ws-connect token.
        """
        await self._bus.check()
        await self._revocations.check()
        started = time.perf_counter()
        try:
            return await self._prove(upgrade)
        except (InvalidToken, TicketRefused):
            # Good credentials pass whatever comes from the same address: any web page can make bad attempts from it.
            self._failures.spend(upgrade.address)
            raise
        except RedisError as error:
            raise Unavailable from error
        finally:
            self._metrics.auth_seconds.observe(time.perf_counter() - started)

    async def _prove(self, upgrade: Upgrade) -> Identity:
        ticket = upgrade.ticket()
        if ticket is not None:
            return await self._redeem(ticket)
        has_cookie = self._authenticator.cookies.primary in upgrade.connection.cookies
        if bearer_token(upgrade.connection) is None:
            if not has_cookie:
                raise TokenRequired
            self._require_origin(upgrade.connection)
        return await self._authenticator.identify(upgrade.connection)

    async def _redeem(self, ticket: str) -> Identity:
        try:
            identity = await self._tickets.redeem(ticket)
        except TicketRefused as refusal:
            self._metrics.tickets_presented.labels(refusal.outcome).inc()
            raise
        is_revoked = await self._revocations.is_revoked(identity)
        self._metrics.tickets_presented.labels("revoked" if is_revoked else "accepted").inc()
        if is_revoked:
            raise TicketInvalid
        return identity

    def _require_origin(self, connection: HTTPConnection) -> None:
        """A browser sends ``Origin`` with every upgrade, and the cookie along with it, whoever's page asks."""
        if not self._authenticator.origins.allows(connection.headers.get("origin", "")):
            raise OriginRefused
