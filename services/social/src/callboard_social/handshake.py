"""From a credential to a known identity, or a refusal: the one way into a socket of any dialect."""

import time
from collections.abc import Awaitable, Callable

import jwt
from callboard_contracts.identity import PRIMARY_TOKEN_TYPE, Identity
from callboard_servicekit.authentication import Authenticator, bearer_token
from callboard_servicekit.errors import OriginRefused, Unavailable
from callboard_servicekit.revocations import Revocations
from callboard_servicekit.stopping import Stopping
from callboard_servicekit.token_verifier import MAX_TOKEN_LENGTH, InvalidToken
from jwt.exceptions import PyJWTError
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection

from callboard_social.address import network_of
from callboard_social.bus import Bus
from callboard_social.capacity import Capacity
from callboard_social.cookie_authority.authority import CookieAuthority
from callboard_social.cookie_authority.foreign_cookie import ForeignCookie
from callboard_social.cookie_authority.vouched import Vouched
from callboard_social.errors import TicketInvalid, TicketRefused, TokenRequired
from callboard_social.limits import RateLimit
from callboard_social.metrics import SocialMetrics
from callboard_social.tickets import Tickets


class Handshake:
    """Proves who is behind a connection."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        tickets: Tickets,
        revocations: Revocations,
        bus: Bus,
        stopping: Stopping,
        capacity: Capacity,
        failures: RateLimit,
        metrics: SocialMetrics,
        cookie_authority: CookieAuthority | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._tickets = tickets
        self._revocations = revocations
        self._bus = bus
        self._stopping = stopping
        self._capacity = capacity
        self._failures = failures
        self._metrics = metrics
        self._accepted = metrics.tickets_presented.labels("accepted")
        self._cookie_authority = cookie_authority

    @property
    def is_ready(self) -> bool:
        """False while nobody would be let in, whoever it is."""
        is_open = not self._stopping.has_begun and not self._capacity.is_full
        return is_open and self._bus.is_heard and self._revocations.is_complete

    async def check(self) -> None:
        """Raises `Unavailable` while nobody can be let in: we stop, cannot hear, or do not know who was revoked."""
        self._stopping.require_not_begun()
        await self._bus.check()
        await self._revocations.check()

    async def identify(self, connection: HTTPConnection, ticket: str | None) -> Identity:
        """The identity behind an upgrade, by the first credential that is present: ticket, Bearer token, cookie.

        What refuses for everybody comes first, so that no ticket is burnt for it.

        Raises:
            Unavailable: this node cannot hear, or is full; Redis, or the system that knows the cookie, does not answer.
            TooManyRequests: one more bad credential from an address that presented too many, or one more socket from
                an address that has too many.
            NotAuthenticated: no credential, or a bad cookie or Bearer token.
            OriginRefused: a cookie, from an origin that is not allowed.
            TicketRefused: a bad ws-connect token.
        """
        if ticket is not None:
            return await self._guarded(connection, lambda: self._redeem(ticket))
        return await self._guarded(connection, lambda: self._prove(connection))

    async def identify_token(self, connection: HTTPConnection, token: str) -> Identity:
        """The identity that a token proves which came within a connection: a primary or a ws-connect token.

        Raises what `identify` does.
        """
        return await self._guarded(connection, lambda: self._prove_token(token))

    def vouched(self, connection: HTTPConnection, ticket: str | None, identity: Identity) -> Vouched | None:
        """What has to go on for an `identity` found by `identify` to count: another system's word, if it was that."""
        if ticket is not None or bearer_token(connection) is not None or self._cookie_authority is None:
            return None
        cookie = ForeignCookie.of(connection)
        return None if cookie is None else Vouched(self._cookie_authority, identity, cookie)

    async def _guarded(self, connection: HTTPConnection, prove: Callable[[], Awaitable[Identity]]) -> Identity:
        await self.check()
        network = network_of(connection)
        self._capacity.arrive(network)
        started = time.perf_counter()
        try:
            return await prove()
        except (InvalidToken, TicketRefused):
            # Good credentials pass whatever comes from the same address: any web page can make bad attempts from it.
            self._failures.spend(network.hex())
            raise
        except RedisError as error:
            raise Unavailable from error
        finally:
            self._capacity.settle(network)
            self._metrics.auth_seconds.observe(time.perf_counter() - started)

    async def _prove(self, connection: HTTPConnection) -> Identity:
        if bearer_token(connection) is None:
            if self._cookie_authority is not None:
                return await self._ask(self._cookie_authority, connection)
            if self._authenticator.cookies.primary not in connection.cookies:
                raise TokenRequired
            self._require_origin(connection)
        return await self._authenticator.identify(connection)

    async def _ask(self, authority: CookieAuthority, connection: HTTPConnection) -> Identity:
        cookie = ForeignCookie.of(connection)
        if cookie is None:
            raise TokenRequired
        self._require_origin(connection)
        # To ask is dear, for the other system too: who has presented too much that is bad is not asked about.
        self._failures.require(network_of(connection).hex())
        return await authority.identify(cookie)

    async def _prove_token(self, token: str) -> Identity:
        if _is_primary(token):
            return await self._authenticator.check(token)
        return await self._redeem(token)

    async def _redeem(self, ticket: str) -> Identity:
        try:
            identity = await self._tickets.redeem(ticket)
        except TicketRefused as refusal:
            self._metrics.tickets_presented.labels(refusal.outcome).inc()
            raise
        if await self._revocations.is_revoked(identity):
            self._metrics.tickets_presented.labels("revoked").inc()
            raise TicketInvalid
        self._accepted.inc()
        return identity

    def _require_origin(self, connection: HTTPConnection) -> None:
        """A browser sends the cookie along, whoever's page asks.

        With an upgrade it always says whose page that is; with a GET of a page's own origin it says only that.
        """
        named = connection.headers.getlist("origin")
        is_own = connection.scope["type"] == "http" and connection.headers.get("sec-fetch-site") == "same-origin"
        if not named and is_own:
            return
        if not named or not all(self._authenticator.origins.allows(origin) for origin in named):
            raise OriginRefused


def _is_primary(token: str) -> bool:
    """True for what says that it is a primary token; it only chooses who checks it."""
    if len(token) > MAX_TOKEN_LENGTH:
        return False
    try:
        return bool(jwt.get_unverified_header(token).get("typ") == PRIMARY_TOKEN_TYPE)
    except PyJWTError:
        return False
