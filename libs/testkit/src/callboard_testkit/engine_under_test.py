"""An Engine.IO server that echoes, and what its sessions' handlers saw."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx

from callboard_testkit.engine_client import EnginePath, EngineSocket, handshake_of
from callboard_testkit.waiting import eventually


@dataclass(eq=False)
class Opened:
    """One session that was opened. While `gate` is shut its handler does not return."""

    session: Any
    received: list[str | bytes] = field(default_factory=list)
    ends: list[bool] = field(default_factory=list)
    """For each time that the end was told, whether it was clean."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def ended(self) -> bool:
        """Wait for the end, and give whether it was clean; it is told once."""
        await eventually(lambda: bool(self.ends))
        assert len(self.ends) == 1
        return self.ends[0]

    async def polled(self, *, is_polled: bool = True) -> None:
        """Wait until a GET waits, or none does."""
        await eventually(lambda: self.session.polling.is_attended == is_polled)


@dataclass(eq=False)
class EngineUnderTest(EnginePath):
    """``endings`` are the reasons why sessions ended, as the metrics have them."""

    url: str
    http: httpx.AsyncClient
    server: Any
    opened: list[Opened] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    is_ready: bool = True
    admits: bool = True
    refuse: Callable[[], None] = field(default=lambda: None)
    """Called before a session is opened; what it raises is the answer."""

    async def open_socket(self) -> EngineSocket:
        """A session that begins on a WebSocket; its open packet has been read."""
        socket = EngineSocket(await self.connect())
        handshake_of(str(await socket.receive()))
        return socket


StartEngine = Callable[..., AbstractAsyncContextManager[EngineUnderTest]]
