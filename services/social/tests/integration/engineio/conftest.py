"""An Engine.IO server on a real port, with an echo behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from callboard_social.handoff import HandoffProtocol
from callboard_social.wire.engineio import EngineOptions, EngineServer, EngineSession
from callboard_social.wire.protocol import Frame
from callboard_testkit.engine_client import PATIENCE_SECONDS
from callboard_testkit.engine_under_test import EngineUnderTest, Opened, StartEngine
from callboard_testkit.running import running
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/engine.io/"
CALM = {"ping_interval": timedelta(seconds=25), "ping_timeout": timedelta(seconds=20)}


class Echo:
    """Sends every message back, and keeps what it sees."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    async def received(self, message: str | bytes) -> None:
        await self._opened.gate.wait()
        self._opened.received.append(message)
        if message == "raise":
            raise RuntimeError("told to")
        frame = Frame("echo", f"4{message}") if isinstance(message, str) else Frame("echo", "", (message,))
        self._opened.session.send(frame)

    def ended(self, *, is_clean: bool) -> None:
        self._opened.ends.append(is_clean)


def _served(engine: EngineUnderTest, options: EngineOptions) -> EngineServer:
    async def open_session(session: EngineSession) -> Echo:
        engine.refuse()
        if engine.admits:
            session.admit()
        opened = Opened(session)
        opened.gate.set()
        engine.opened.append(opened)
        return Echo(opened)

    return EngineServer(options, open_session, is_ready=lambda: engine.is_ready, on_end=engine.endings.append)


def _with_lifespan(server: EngineServer) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await server(scope, receive, send)
            return
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    return app


@pytest.fixture
def start_engine() -> StartEngine:
    """Starts a server; `wrap` may put middleware around it, further arguments are options."""

    @asynccontextmanager
    async def start(
        wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app, **options: Any
    ) -> AsyncIterator[EngineUnderTest]:
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
            engine = EngineUnderTest("", http, None)
            engine.server = _served(engine, EngineOptions(**(CALM | options)))
            app = wrap(_with_lifespan(engine.server))
            async with running(app, ws=HandoffProtocol, ws_ping_interval=None, ws_per_message_deflate=False) as url:
                engine.url = url + PATH
                try:
                    yield engine
                finally:
                    await engine.server.close()

    return start


@pytest.fixture
async def engine(start_engine: StartEngine) -> AsyncIterator[EngineUnderTest]:
    """One whose heartbeat is too slow to be seen."""
    async with start_engine() as engine:
        yield engine
