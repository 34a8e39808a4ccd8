"""``/api/socials/ws``: the native WebSocket."""

import secrets
import time
from collections.abc import Sequence
from http import HTTPStatus

from callboard_contracts import close_codes, native
from callboard_contracts.identity import Identity
from callboard_servicekit.errors import ServiceError
from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from callboard_social.address import network_of
from callboard_social.cookie_authority.vouched import Vouched
from callboard_social.dialects.native import frame_of
from callboard_social.dialects.native_session import Cancellable, NativeSession, Positions
from callboard_social.dialects.native_upgrade import Upgrade
from callboard_social.errors import TicketRefused
from callboard_social.hub.member import Member
from callboard_social.lifetime import Lifetime
from callboard_social.resources import SocialResources, resources_of
from callboard_social.wire.connection import Connection

PATH = "/api/socials/ws"


class UpgradeRequired(ServiceError):
    status = HTTPStatus.UPGRADE_REQUIRED
    code = "upgrade-required"
    detail = "This is a WebSocket: connect with an upgrade."

    def __init__(self) -> None:
        super().__init__(headers={"Upgrade": "websocket", "Connection": "Upgrade"})


async def require_upgrade() -> None:
    """What a plain request to the socket's path is told."""
    raise UpgradeRequired


def add_routes(app: FastAPI, native: ASGIApp) -> None:
    app.add_api_route(PATH, require_upgrade, include_in_schema=False)
    app.router.routes.append(WebSocketRoute(PATH, native))


class NativeSocket:
    """One ASGI call per upgrade. When it returns, whoever was let in has a socket of its own."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        resources = resources_of(self._app)
        upgrade = Upgrade(scope, receive, send)
        await upgrade.begin()
        begun_at = time.perf_counter()
        ticket = upgrade.ticket()
        try:
            positions = upgrade.positions()
            identity = await resources.handshake.identify(upgrade.connection, ticket)
        except TicketRefused as refusal:
            resources.metrics.refused.labels(close_codes.TICKET_REFUSED.code).inc()
            await upgrade.accept_and_close(close_codes.TICKET_REFUSED, refusal.reason)
            return
        except ServiceError as error:
            resources.metrics.refused.labels(int(error.status)).inc()
            await upgrade.refuse(error)
            return
        if not resources.capacity.has_room_for(identity):
            resources.metrics.refused.labels(close_codes.CONNECTION_LIMIT.code).inc()
            await upgrade.accept_and_close(close_codes.CONNECTION_LIMIT, close_codes.CONNECTION_LIMIT.reason)
            return
        vouched = resources.handshake.vouched(upgrade.connection, ticket, identity)
        await self._let_in(resources, upgrade, identity, vouched, positions)
        resources.metrics.handshake_seconds.observe(time.perf_counter() - begun_at)

    async def _let_in(
        self,
        resources: SocialResources,
        upgrade: Upgrade,
        identity: Identity,
        vouched: Vouched | None,
        positions: Positions,
    ) -> None:
        """Join the channels, then open the socket; whoever cannot join is refused."""
        connection = Connection(secrets.token_hex(16))
        member = Member(connection, identity, resources.dialect, network=network_of(upgrade.connection))
        expires_at = resources.lifetime.expiry(identity) if vouched is None else None
        session = NativeSession(member, connection, resources.native)
        resources.hub.register(member)
        try:
            await session.welcome(positions, expires_at)
            # Between its check and its registration a session may have ended; from here on the hub closes it.
            if await resources.revocations.is_revoked(identity):
                connection.drop(close_codes.SESSION_REVOKED)
            await upgrade.accept()
            upgrade.hand_on(connection, session, resources.socket_limits)
        except ServiceError as error:
            resources.metrics.refused.labels(int(error.status)).inc()
            resources.hub.unregister(member, is_clean=True)
            await upgrade.refuse(error)
        except BaseException:
            resources.hub.unregister(member, is_clean=True)
            raise
        else:
            session.begin(self._deadlines(resources.lifetime, identity, vouched, connection))

    @staticmethod
    def _deadlines(
        lifetime: Lifetime, identity: Identity, vouched: Vouched | None, connection: Connection
    ) -> Sequence[Cancellable]:
        """What ends the socket together with what lets it live."""

        def end() -> None:
            connection.close(close_codes.IDENTITY_EXPIRED)

        if vouched is not None:
            return (vouched.watch(end),)
        return lifetime.start(identity, warn=lambda: connection.enqueue(frame_of(native.Expiring())), end=end)
