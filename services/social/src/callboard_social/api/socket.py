"""``/api/socials/ws``: the native WebSocket."""

import time
import uuid
from contextlib import AbstractContextManager
from datetime import datetime
from http import HTTPStatus

import structlog
from callboard_contracts import close_codes, native
from callboard_contracts.identity import Identity
from callboard_servicekit.errors import ServiceError
from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from callboard_social.cookie_authority.vouched import Vouched
from callboard_social.dialects.native import frame_of
from callboard_social.dialects.native_requests import NativeRequests
from callboard_social.dialects.native_session import NativeSession, Positions
from callboard_social.dialects.native_upgrade import Upgrade
from callboard_social.errors import TicketRefused
from callboard_social.hub.channel import Member
from callboard_social.resources import resources_of
from callboard_social.wire.connection import Connection

log = structlog.get_logger(__name__)

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
    """One ASGI call per socket: the handshake, then the session, until either side closes."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        resources = resources_of(self._app)
        upgrade = Upgrade(scope, receive, send)
        await upgrade.begin()
        begun_at = time.perf_counter()
        try:
            positions = upgrade.positions()
            identity = await resources.handshake.identify(upgrade.connection, upgrade.ticket())
        except TicketRefused as refusal:
            resources.metrics.refused.labels(close_codes.TICKET_REFUSED.code).inc()
            await upgrade.accept_and_close(close_codes.TICKET_REFUSED, refusal.reason)
            return
        except ServiceError as error:
            resources.metrics.refused.labels(int(error.status)).inc()
            await upgrade.refuse(error)
            return
        if resources.hub.connections_of(identity.user_id) >= resources.settings.connections_per_user:
            resources.metrics.refused.labels(close_codes.CONNECTION_LIMIT.code).inc()
            resources.metrics.connections_limited()
            await upgrade.accept_and_close(close_codes.CONNECTION_LIMIT, close_codes.CONNECTION_LIMIT.reason)
            return
        vouched = resources.handshake.vouched(upgrade.connection, upgrade.ticket(), identity)
        expires_at = resources.lifetime.expiry(identity) if vouched is None else None
        connection = Connection(uuid.uuid4().hex, send)
        member = Member(connection, identity, resources.dialect)
        resources.hub.register(member)
        was_let_in = False
        try:
            requests = NativeRequests(member, resources.hub, resources.rooms, resources.presence)
            session = NativeSession(member, resources.hub, requests, resources.metrics)
            was_let_in = await self._welcome(upgrade, member, session, positions, expires_at)
            if was_let_in:
                resources.metrics.handshake_seconds.observe(time.perf_counter() - begun_at)
                with self._ending_with(identity, vouched, connection):
                    await self._live(connection, member, session, receive)
        finally:
            resources.hub.unregister(member, is_clean=connection.has_parted or not was_let_in)

    def _ending_with(
        self, identity: Identity, vouched: Vouched | None, connection: Connection
    ) -> AbstractContextManager[None]:
        """Within the block the socket ends with what lets it live."""

        def end() -> None:
            connection.close(close_codes.IDENTITY_EXPIRED)

        if vouched is not None:
            return vouched.watched(end)
        warning = frame_of(native.Expiring())
        lifetime = resources_of(self._app).lifetime
        return lifetime.timed(identity, warn=lambda: connection.enqueue(warning), end=end)

    async def _welcome(
        self,
        upgrade: Upgrade,
        member: Member,
        session: NativeSession,
        positions: Positions,
        expires_at: datetime | None,
    ) -> bool:
        """Join the channels and open the socket; False when that was refused."""
        resources = resources_of(self._app)
        try:
            await session.welcome(positions, expires_at)
            # Between its check and its registration a session may have ended; from here on the hub closes it.
            if await resources.revocations.is_revoked(member.identity):
                member.connection.close(close_codes.SESSION_REVOKED)
        except ServiceError as error:
            resources.metrics.refused.labels(int(error.status)).inc()
            await upgrade.refuse(error)
            return False
        await upgrade.accept()
        resources.metrics.opened.labels(member.dialect.name).inc()
        return True

    async def _live(self, connection: Connection, member: Member, session: NativeSession, receive: Receive) -> None:
        resources = resources_of(self._app)
        identity = member.identity
        ids = {"connection": connection.id, "user": identity.user_id, "organization": identity.organization_id}
        log.info("connection_opened", kind=identity.kind, **ids)
        started = time.monotonic()
        try:
            await connection.carry(receive, session.handle)
        finally:
            resources.metrics.closed(connection.close_code, connection.peer_code)
            log.info("connection_closed", seconds=round(time.monotonic() - started, 1), **ids)
