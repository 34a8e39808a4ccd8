"""A client of the native socket that reads one frame at a time, each wait under one time-out."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from callboard_contracts.native import SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PATIENCE_SECONDS = 30.0

Json = dict[str, Any]


class NativeClient:
    """``connected`` is the first frame, once it was read."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.connected: Json = {}

    @property
    def positions(self) -> dict[str, str]:
        """Where each channel stood when this client joined it."""
        return {state["channel"]: state["position"] for state in self.connected["channels"]}

    async def receive_text(self) -> str:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return str(await self.socket.recv(decode=True))

    async def receive(self) -> Json:
        frame: Json = json.loads(await self.receive_text())
        return frame

    async def receive_until(self, kind: str) -> Json:
        """The next frame of this type; what comes before it is dropped."""
        while (frame := await self.receive())["type"] != kind:
            pass
        return frame

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def ask(self, **message: Any) -> Json:
        """Send, and give the next frame."""
        await self.send(**message)
        return await self.receive()

    async def hears_nothing(self) -> bool:
        """True when nothing is in the lane before the answer to a ping."""
        answer = await self.ask(type="ping", id="hears-nothing")
        return answer == {"type": "pong", "replyTo": "hears-nothing"}

    async def closed(self) -> tuple[int, str]:
        """Wait for the close, whatever comes before it; its code and reason."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code or 0, self.socket.close_reason or ""


@asynccontextmanager
async def open_socket(url: str, ticket: str | None = None, **options: Any) -> AsyncIterator[NativeClient]:
    """Connect, with a ws-connect token as sub-protocol if one is given; reads nothing."""
    protocols = [Subprotocol(SUBPROTOCOL)]
    if ticket is not None:
        protocols.append(Subprotocol(TICKET_SUBPROTOCOL_PREFIX + ticket))
    async with connect(url, subprotocols=protocols, proxy=None, **options) as socket:
        yield NativeClient(socket)


@asynccontextmanager
async def native_client(url: str, ticket: str) -> AsyncIterator[NativeClient]:
    """A connected client whose ``connected`` frame has been read."""
    async with open_socket(url, ticket) as client:
        client.connected = await client.receive()
        yield client
