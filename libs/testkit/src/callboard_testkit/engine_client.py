"""Raw Engine.IO: single HTTP requests and WebSocket frames, without a client that knows the protocol."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_SECONDS = 30.0
POLLING = {"EIO": "4", "transport": "polling"}
WEBSOCKET = {"EIO": "4", "transport": "websocket"}

Json = dict[str, Any]


def handshake_of(packet: str) -> Json:
    """The fields of an open packet."""
    assert packet.startswith("0"), packet
    fields: Json = json.loads(packet[1:])
    return fields


class EngineSocket:
    """A WebSocket that reads one packet at a time, each wait under one time-out."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def receive(self) -> str | bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.socket.recv()

    async def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            await self.socket.send(packet)

    async def closed(self) -> int:
        """Wait for the close, whatever comes before it; its code, 1006 without one."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd is not None else 1006


class EnginePath:
    """The path of a server, as a client without a session sees it."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http

    async def request(self, method: str, query: Mapping[str, str], **options: Any) -> httpx.Response:
        return await self.http.request(method, self.url, params=query, **options)

    async def open(self, **options: Any) -> "EnginePolling":
        response = await self.request("GET", POLLING, **options)
        assert response.status_code == httpx.codes.OK, response.text
        return EnginePolling(self, handshake_of(response.text))

    def connect(self, query: Mapping[str, str] = WEBSOCKET, **options: Any) -> connect:
        """To be awaited, or entered; wrap what it gives into `EngineSocket`."""
        url = httpx.URL(self.url, params=query)
        return connect(str(url).replace("http", "ws", 1), max_size=None, **options)


class EnginePolling:
    """A session that was opened by polling."""

    def __init__(self, path: EnginePath, handshake: Json) -> None:
        self.handshake = handshake
        self.sid: str = handshake["sid"]
        self._path = path

    async def get(self, **options: Any) -> httpx.Response:
        return await self._path.request("GET", POLLING | {"sid": self.sid}, **options)

    async def poll(self) -> str:
        """What a GET is answered that succeeds."""
        response = await self.get()
        assert response.status_code == httpx.codes.OK, response.text
        return response.text

    async def post(self, body: Any, **options: Any) -> httpx.Response:
        return await self._path.request("POST", POLLING | {"sid": self.sid}, content=body, **options)

    async def say(self, body: str) -> None:
        response = await self.post(body)
        assert (response.status_code, response.text) == (httpx.codes.OK, "ok")

    def connect(self, **options: Any) -> connect:
        """A WebSocket for the same session."""
        return self._path.connect(WEBSOCKET | {"sid": self.sid}, **options)

    async def upgrade(self) -> EngineSocket:
        """Move to a WebSocket as the protocol asks for it."""
        socket = EngineSocket(await self.connect())
        await socket.send("2probe")
        assert await socket.receive() == "3probe"
        await socket.send("5")
        return socket
