"""The server: one path that takes HTTP and WebSocket requests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from callboard_servicekit.errors import ServiceError, Unavailable
from callboard_servicekit.problems import render
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from callboard_social.wire.engineio.errors import (
    MethodRefused,
    TransportRefused,
    UnknownRevision,
    UnknownSession,
    UnknownTransport,
)
from callboard_social.wire.engineio.handshake import new_id, open_packet
from callboard_social.wire.engineio.options import Ending, EngineOptions, SessionHandler
from callboard_social.wire.engineio.polling import respond
from callboard_social.wire.engineio.session import EngineSession
from callboard_social.wire.engineio.shared import Shared
from callboard_social.wire.engineio.websocket import WebSocket

REVISION = "4"
POLLING = "polling"
WEBSOCKET = "websocket"
POLICY_VIOLATION = 1008
GOODBYE_SECONDS = 2.0
"""What clients have to take what is left for them when the server stops."""

OpenSession = Callable[[EngineSession], Awaitable[SessionHandler]]


def _always() -> bool:
    return True


def _ignore(_ending: Ending) -> None:
    pass


class EngineServer:
    """An ASGI application for one path.

    Args:
        options: times and bounds; clients are told the times.
        open_session: makes a session's handler before its handshake is answered; a `ServiceError` that it raises is
            the answer instead.
        is_ready: False while new sessions are refused with 503, unknown ones too: another replica may know them.
        on_end: told why a session that was open is over, for the metrics.
    """

    def __init__(
        self,
        options: EngineOptions,
        open_session: OpenSession,
        *,
        is_ready: Callable[[], bool] = _always,
        on_end: Callable[[Ending], None] = _ignore,
    ) -> None:
        self._options = options
        self._open_session = open_session
        self._is_ready = is_ready
        self._is_closed = False
        self._shared = Shared.of(options, on_end)
        self._registry = self._shared.registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        try:
            if scope["type"] == "websocket":
                await self._accept(connection, receive, send)
            else:
                await self._serve(connection, receive, send)
        except ServiceError as error:
            await render(connection, error)(scope, receive, send)

    @property
    def sessions(self) -> Sequence[EngineSession]:
        """All that are not over."""
        return self._registry.all()

    async def close(self) -> None:
        """Close every session; from here on none is opened. Call it while clients can still be answered."""
        self._is_closed = True
        for session in self._registry.all():
            session.shut_down()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._registry.empty()
        for session in self._registry.all():
            session.end(Ending.SHUTDOWN)

    def _require(self, connection: HTTPConnection, transport: str) -> str | None:
        """The sid of a request in the protocol's form, if it names one."""
        query = connection.query_params
        if query.get("EIO") != REVISION:
            raise UnknownRevision
        if query.get("transport") not in {POLLING, WEBSOCKET}:
            raise UnknownTransport
        if query.get("transport") != transport:
            raise TransportRefused
        return query.get("sid")

    def _find(self, session_id: str) -> EngineSession:
        session = self._registry.find(session_id)
        if session is not None and session.is_overdue:
            session.end(Ending.SILENT)
            session = None
        if session is None:
            self._require_readiness()
            raise UnknownSession
        return session

    def _require_readiness(self) -> None:
        if self._is_closed or not self._is_ready():
            raise Unavailable

    async def _serve(self, connection: HTTPConnection, receive: Receive, send: Send) -> None:
        session_id = self._require(connection, POLLING)
        method = connection.scope["method"]
        if method not in {"GET", "POST"} or (session_id is None and method != "GET"):
            raise MethodRefused
        if session_id is None:
            session = await self._open(connection)
            await respond(send, open_packet(session.id, self._options, [WEBSOCKET]))
            return
        polling = self._find(session_id).polling
        if polling is None:
            raise TransportRefused
        if method == "GET":
            await polling.poll(receive, send)
        else:
            await polling.push(receive, send)

    async def _accept(self, connection: HTTPConnection, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        session_id = self._require(connection, WEBSOCKET)
        if session_id is None:
            await self._carry(connection, send)
            return
        session = self._find(session_id)
        await send({"type": "websocket.accept"})
        polling = session.polling
        if polling is None or session.upgrading is not None or session.is_over:
            # Accepted first, for clients of the protocol expect a close, not a refusal.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            WebSocket(session, connection.scope).probe(polling)

    async def _carry(self, connection: HTTPConnection, send: Send) -> None:
        session = await self._open(connection)
        try:
            await send({"type": "websocket.accept"})
            WebSocket(session, connection.scope, open_packet(session.id, self._options, [])).open()
        except BaseException:
            session.end(Ending.LOST)
            raise

    async def _open(self, connection: HTTPConnection) -> EngineSession:
        """A new session, with its handler; raises what `open_session` raises, and then there is none."""
        self._require_readiness()
        session = EngineSession(new_id(connection), connection, self._shared)
        self._registry.add(session)
        try:
            handler = await self._open_session(session)
        except BaseException:
            session.end(Ending.FAILED)
            raise
        session.begin(handler)
        if session.is_over:
            raise Unavailable
        return session
