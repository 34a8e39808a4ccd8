"""Raw Engine.IO clients of both transports: what a test sends and reads is Socket.IO, with nothing of a library."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_SECONDS = 10.0
SEPARATOR = "\x1e"
PING, PONG, NOOP, CLOSE = "2", "3", "6", "1"

Message = str | bytes


class Closed(Exception):
    """The server has closed the session."""


class RawClient(Protocol):
    session_id: str
    """The Engine.IO session's."""

    async def send(self, *messages: Message) -> None:
        """Engine.IO packets as text, or bytes. Raises `Closed`."""
        ...

    async def receive(self) -> Message:
        """The next message; pings are answered and left out. Raises `Closed`."""
        ...


class RawWebSocket:
    def __init__(self, socket: ClientConnection) -> None:
        self.session_id = ""
        self._socket = socket

    async def send(self, *messages: Message) -> None:
        try:
            for message in messages:
                await self._socket.send(message)
        except ConnectionClosed as error:
            raise Closed from error

    async def receive(self) -> Message:
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                while (message := await self._socket.recv()) == PING:
                    await self._socket.send(PONG)
            except ConnectionClosed as error:
                raise Closed from error
        return message


class RawPolling:
    """Reads with one GET after the other; a whole payload is kept until it is read."""

    def __init__(self, http: httpx.AsyncClient, session_id: str) -> None:
        self.session_id = session_id
        self._http = http
        self._waiting: deque[str] = deque()

    async def send(self, *messages: Message) -> None:
        packets = [m if isinstance(m, str) else "b" + base64.b64encode(m).decode() for m in messages]
        answer = await self._http.post("", content=SEPARATOR.join(packets))
        if answer.is_error:
            raise Closed
        assert answer.text == "ok"

    async def receive(self) -> Message:
        while True:
            while not self._waiting:
                await self._poll()
            packet = self._waiting.popleft()
            if packet == CLOSE:
                raise Closed
            if packet == PING:
                await self.send(PONG)
            elif packet.startswith("b"):
                return base64.b64decode(packet[1:], validate=True)
            elif packet != NOOP:
                return packet

    async def _poll(self) -> None:
        try:
            answer = await self._http.get("", timeout=PATIENCE_SECONDS)
        except httpx.NetworkError as error:
            raise Closed from error
        if answer.is_error:
            raise Closed
        self._waiting.extend(answer.text.split(SEPARATOR))


def session_id_of(open_packet: str) -> str:
    return str(json.loads(open_packet.removeprefix("0"))["sid"])


@asynccontextmanager
async def raw_websocket(url: str) -> AsyncIterator[RawWebSocket]:
    address = url.replace("http://", "ws://") + "/socket.io/?EIO=4&transport=websocket"
    async with connect(address, proxy=None) as socket:
        client = RawWebSocket(socket)
        client.session_id = session_id_of(str(await client.receive()))
        yield client


@asynccontextmanager
async def raw_polling(url: str) -> AsyncIterator[RawPolling]:
    query = {"EIO": "4", "transport": "polling"}
    async with httpx.AsyncClient(base_url=url + "/socket.io/", params=query, trust_env=False) as http:
        opened = await http.get("")
        client = RawPolling(http, session_id_of(opened.text))
        http.params = http.params.set("sid", client.session_id)
        yield client


RAW_CLIENTS: dict[str, Callable[[str], AbstractAsyncContextManager[RawClient]]] = {
    "websocket": raw_websocket,
    "polling": raw_polling,
}


async def connect_to(client: RawClient, namespace: str = "/", auth: dict[str, Any] | None = None) -> str:
    """Connect to an echo namespace and read its greeting; gives the sid of the answer."""
    prefix = "" if namespace == "/" else f"{namespace},"
    payload = "" if auth is None else json.dumps(auth, separators=(",", ":"))
    await client.send(f"40{prefix}{payload}")
    answer = str(await client.receive())
    assert answer.startswith(f"40{prefix}{{")
    assert await client.receive() == f'42{prefix}["auth",{payload or "{}"}]'
    return str(json.loads(answer.removeprefix(f"40{prefix}"))["sid"])


async def closed(client: RawClient) -> list[Message]:
    """Wait until the server has closed the session; what came before."""
    messages = []
    try:
        while True:
            messages.append(await client.receive())
    except Closed:
        return messages
