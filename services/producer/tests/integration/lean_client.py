"""An HTTP client for many small posts: one connection, one request at a time, next to no work per request."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from callboard_servicekit import strict_json


@dataclass(frozen=True)
class LeanClient:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    token: str

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of the answer."""
        content = strict_json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: producer\r\nAuthorization: Bearer {self.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.writer.write(head.encode() + content)
        status_line, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        answer: dict[str, Any] = json.loads(await self.reader.readexactly(int(headers["content-length"])))
        return int(status_line.split(" ")[1]), answer


@asynccontextmanager
async def lean_client(url: str, token: str) -> AsyncIterator[LeanClient]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield LeanClient(reader, writer, token)
    finally:
        writer.close()
        await writer.wait_closed()
