"""An Engine.IO server on a real port, with an echo behind it and a fast heartbeat where a test asks for one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from callboard_social.wire.carrier import BoundedCarrier
from callboard_social.wire.engineio import EngineOptions, EngineServer, EngineSession
from callboard_social.wire.protocol import Frame
from callboard_testkit.engine_under_test import EngineUnderTest, Opened, StartEngine
from callboard_testkit.running import running
from starlette.types import ASGIApp, Receive, Scope, Send

ORIGINS_PATH = "/engine.io/"


class Echo(Opened):
    """Sends every message back."""

    async def received(self, message: str | bytes) -> None:  # type: ignore[override]
        ...


def _echo(message: str | bytes) -> Frame:
    return Frame("echo", f"4{message}") if isinstance(message, str) else Frame("echo", "", (message,))


class Handler:
    """Echoes, and keeps what it sees."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    async def received(self, message: str | bytes) -> None:
        await self._opened.gate.wait()
        self._opened.received.append(message)
        if message == "raise":
            raise RuntimeError("told to")
        self._opened.session.send(_echo(message))

    def ended(self, *, is_clean: bool) -> None:
        self._opened.ends.append(is_clean)
