"""A WebSocket client of single frames over plain TCP, which may break every rule of RFC 6455."""

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from callboard_contracts.native import SUBPROTOCOL

PATIENCE_SECONDS = 30.0
MASK = b"\x37\xfa\x21\x3d"
_CHUNK = 64 * 1024
_SHORT, _MEDIUM = 125, 0xFFFF


class Opcode(IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, mask: bytes | None = MASK
) -> bytes:
    """A frame as a client sends it; `reserved` are the three bits, the first of them worth 4, `mask` None is none."""
    size = len(payload)
    length = size if size <= _SHORT else 126 if size <= _MEDIUM else 127
    head = bytes([fin << 7 | reserved << 4 | opcode, (mask is not None) << 7 | length])
    head += b"" if length <= _SHORT else struct.pack("!H" if length == _SHORT + 1 else "!Q", size)
    return head + payload if mask is None else head + mask + masked(payload, mask)


def masked(payload: bytes, mask: bytes = MASK) -> bytes:
    repeated = (mask * (len(payload) // len(mask) + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(Opcode.CLOSE, struct.pack("!H", code) + reason)


class Received(NamedTuple):
    """A frame of the server's."""

    opcode: Opcode
    payload: bytes

    @property
    def json(self) -> dict[str, Any]:
        """What a text frame says."""
        assert self.opcode is Opcode.TEXT
        message: dict[str, Any] = json.loads(self.payload)
        return message

    @property
    def close_code(self) -> int | None:
        """Of a close frame; None when it is empty."""
        assert self.opcode is Opcode.CLOSE
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None

    @property
    def close_reason(self) -> str:
        assert self.opcode is Opcode.CLOSE
        return self.payload[2:].decode()


class Ended(Exception):
    """The server has closed, or cut, the TCP connection."""


class RawPeer:
    """Reads and answers only what it is told to; a ping is a frame like others."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.connected: dict[str, Any] = {}
        self._buffer = bytearray()

    @property
    def port(self) -> int:
        """Its own."""
        port: int = self.socket.getsockname()[1]
        return port

    async def send(self, *segments: bytes) -> None:
        """Each with a write of its own."""
        for segment in segments:
            await asyncio.get_running_loop().sock_sendall(self.socket, segment)

    async def receive(self) -> Received:
        """The next frame. Raises `Ended`."""
        first, second = await self._take(2)
        assert first & 0x80, "the server does not fragment"
        assert not first & 0x70, "no extension was agreed upon"
        assert not second & 0x80, "a server does not mask"
        length = second
        if length == _SHORT + 1:
            length = int.from_bytes(await self._take(2))
        elif length == _SHORT + 2:
            length = int.from_bytes(await self._take(8))
        return Received(Opcode(first & 0x0F), await self._take(length))

    async def close_received(self) -> Received:
        """The server's close frame, whatever comes before it. Raises `Ended`."""
        while (received := await self.receive()).opcode is not Opcode.CLOSE:
            pass
        return received

    async def ended(self, patience: float = PATIENCE_SECONDS) -> bytes:
        """Wait until the connection is over; what was still sent."""
        async with asyncio.timeout(patience):
            while await self._read_more():
                pass
        return bytes(self._buffer)

    async def head(self) -> bytes:
        """The head of the answer to the upgrade. Raises `Ended`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (end := self._buffer.find(b"\r\n\r\n") + 4) < 4:  # noqa: PLR2004 - the separator's own length
                await self._read_or_end()
        return self._cut(end)

    async def _take(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self._buffer) < size:
                await self._read_or_end()
        return self._cut(size)

    def _cut(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def _read_or_end(self) -> None:
        if not await self._read_more():
            raise Ended

    async def _read_more(self) -> bool:
        try:
            data = await asyncio.get_running_loop().sock_recv(self.socket, _CHUNK)
        except ConnectionResetError:
            return False
        self._buffer += data
        return bool(data)


def upgrade_request(url: str, token: str) -> bytes:
    """An upgrade of the native socket with a primary token."""
    parts = urlsplit(url)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        f"Authorization: Bearer {token}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


@asynccontextmanager
async def raw_connection(url: str, receive_buffer: int | None = None) -> AsyncIterator[RawPeer]:
    """A TCP connection to the URL's host and port; `receive_buffer` is its SO_RCVBUF."""
    parts = urlsplit(url)
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(connection, (parts.hostname, parts.port))
        yield RawPeer(connection)


@asynccontextmanager
async def raw_peer(url: str, token: str, receive_buffer: int | None = None) -> AsyncIterator[RawPeer]:
    """An open native socket whose ``connected`` frame has been read."""
    async with raw_connection(url, receive_buffer) as peer:
        await peer.send(upgrade_request(url, token))
        head = await peer.head()
        assert head.startswith(b"HTTP/1.1 101 "), head.partition(b"\r\n")[0]
        peer.connected = (await peer.receive()).json
        yield peer
