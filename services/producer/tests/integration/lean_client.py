"""An HTTP client for many small posts: one connection, one request at a time, next to no work per request."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from callboard_servicekit import strict_json


class LeanClient:
    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url)
        self._token = token
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of the answer.

        A server closes a connection that was idle for some seconds, which on a busy machine may be just when it is used
        again: a kept one that ends before a byte of the answer has come proves nothing, and the post is sent anew.
        """
        content = strict_json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: producer\r\nAuthorization: Bearer {self._token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        request = head.encode() + content
        if self._streams is not None:
            with suppress(_EndedBeforeTheAnswer):
                return await self._ask(*self._streams, request)
            await self.close()
        self._streams = await asyncio.open_connection(self._address.hostname, self._address.port)
        return await self._ask(*self._streams, request)

    async def close(self) -> None:
        if self._streams is not None:
            (_, writer), self._streams = self._streams, None
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _ask(self, reader: StreamReader, writer: StreamWriter, request: bytes) -> tuple[int, dict[str, Any]]:
        writer.write(request)
        status_line, *lines = (await _read_head(reader)).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        answer: dict[str, Any] = json.loads(await reader.readexactly(int(headers["content-length"])))
        return int(status_line.split(" ")[1]), answer


class _EndedBeforeTheAnswer(Exception):
    pass


async def _read_head(reader: StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except ConnectionError as error:
        raise _EndedBeforeTheAnswer from error
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        raise _EndedBeforeTheAnswer from error


@asynccontextmanager
async def lean_client(url: str, token: str) -> AsyncIterator[LeanClient]:
    client = LeanClient(url, token)
    try:
        yield client
    finally:
        await client.close()
