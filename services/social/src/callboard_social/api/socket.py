"""``/api/socials/ws``: the native WebSocket."""

import time
import uuid
from http import HTTPStatus

import structlog
from callboard_contracts import close_codes, native
from callboard_servicekit.errors import ServiceError
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from callboard_social.dialects.native import frame_of
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
        connection = Connection(uuid.uuid4().hex, send)
        member = Member(connection, identity, resources.dialect)
        resources.hub.register(member)
        try:
            session = NativeSession(member, resources.hub, resources.relay, resources.metrics)
            if await self._welcome(upgrade, member, session, positions):
                resources.metrics.handshake_seconds.observe(time.perf_counter() - begun_at)
                await self._live(connection, member, session, receive)
        finally:
            resources.hub.unregister(member, is_clean=connection.has_parted)

    async def _welcome(self, upgrade: Upgrade, member: Member, session: NativeSession, positions: Positions) -> bool:
        """Join the channels and open the socket; False when that was refused."""
        resources = resources_of(self._app)
        try:
            await session.welcome(positions, resources.lifetime.expiry(member.identity))
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
            with resources.lifetime.timed(
                identity,
                warn=lambda: connection.enqueue(frame_of(native.Expiring())),
                end=lambda: connection.close(close_codes.IDENTITY_EXPIRED),
            ):
                await connection.carry(receive, session.handle)
        finally:
            resources.metrics.closed(connection.close_code, connection.peer_code)
            log.info("connection_closed", seconds=round(time.monotonic() - started, 1), **ids)
