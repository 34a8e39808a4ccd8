"""Socket.IO by hand, over one WebSocket: it shows every packet, which the real clients hide."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from callboard_testkit.native_client import PATIENCE_SECONDS, Json

PING, PONG = "2", "3"


class PacketClient:
    """One namespace of one connection; pings are answered on the way."""

    def __init__(self, socket: ClientConnection, namespace: str) -> None:
        self.socket = socket
        self._prefix = "" if namespace == "/" else namespace + ","
        self._next_id = 0

    async def receive_packet(self) -> str:
        """The next Socket.IO packet, as its text."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (packet := str(await self.socket.recv(decode=True))) == PING:
                await self.socket.send(PONG)
        assert packet[0] == "4", f"not a message: {packet[:20]}"
        return packet[1:]

    async def send_packet(self, packet: str) -> None:
        await self.socket.send("4" + packet)

    def _data(self, packet: str, kind: str) -> Any:
        start = kind + self._prefix
        assert packet.startswith(start), f"not a packet {start}: {packet[:80]}"
        return json.loads(packet.removeprefix(start) or "null")

    async def connect(self, auth: Json | None = None) -> Json:
        """The data of the answer to a connect; raises AssertionError when it is refused."""
        await self.send_packet("0" + self._prefix + ("" if auth is None else json.dumps(auth)))
        answer: Json = self._data(await self.receive_packet(), "0")
        return answer

    async def refused(self, auth: Json | None = None) -> Json:
        """The data of the connect error."""
        await self.send_packet("0" + self._prefix + ("" if auth is None else json.dumps(auth)))
        error: Json = self._data(await self.receive_packet(), "4")
        return error

    async def receive(self) -> list[Any]:
        """The next event: its name and its arguments."""
        event: list[Any] = self._data(await self.receive_packet(), "2")
        return event

    async def receive_until(self, name: str) -> list[Any]:
        """The next event of this name; what comes before it is dropped."""
        while (event := await self.receive())[0] != name:
            pass
        return event

    async def emit(self, *event: Any) -> None:
        await self.send_packet("2" + self._prefix + json.dumps(event))

    async def ask(self, *event: Any) -> tuple[list[Any], list[list[Any]]]:
        """Emit and wait for the acknowledgement; gives it, and the events that came before it."""
        number, self._next_id = self._next_id, self._next_id + 1
        await self.send_packet(f"2{self._prefix}{number}{json.dumps(event)}")
        events: list[list[Any]] = []
        start = f"3{self._prefix}{number}"
        while not (packet := await self.receive_packet()).startswith(start):
            events.append(self._data(packet, "2"))
        return json.loads(packet.removeprefix(start)), events

    async def disconnected(self) -> bool:
        """Wait for the end: True for a disconnect packet, False when only the transport closes."""
        with suppress(ConnectionClosed):
            while True:
                if await self.receive_packet() == "1" + self._prefix:
                    return True
        return False


@asynccontextmanager
async def packet_client(
    root: str, namespace: str = "/", path: str = "/socket.io/", **options: Any
) -> AsyncIterator[PacketClient]:
    """Opens the transport; `root` is ``http://host:port``. The namespace is connected by the test."""
    url = root.replace("http://", "ws://") + f"{path}?EIO=4&transport=websocket"
    async with connect(url, proxy=None, compression=None, **options) as socket:
        async with asyncio.timeout(PATIENCE_SECONDS):
            opened = str(await socket.recv(decode=True))
        assert opened[0] == "0", f"not an open packet: {opened[:40]}"
        yield PacketClient(socket, namespace)
