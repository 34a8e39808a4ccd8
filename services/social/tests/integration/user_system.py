"""Another system with a login of its own, in the shape of Directus: ``/users/me`` says whose a cookie is."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

SESSION_COOKIE = "directus_session_token"
USER = {"id": "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "email": "ada@example.org", "role": None, "first_name": "Ada"}

Json = dict[str, Any]
Fault = Callable[[StreamWriter], Awaitable[None]]


def answer(status: str, body: bytes, *headers: str) -> bytes:
    head = (f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class UserSystem:
    """``sessions`` are whole answers by session; ``fault`` writes what is answered instead."""

    def __init__(self) -> None:
        self.url = ""
        self.sessions: dict[str, Json] = {"s-1": {"data": USER}}
        self.fault: Fault | None = None
        self.requests: list[dict[str, str]] = []
        """The headers of each, names in lower case."""

    @property
    def cookies(self) -> list[str]:
        return [headers.get("cookie", "") for headers in self.requests]

    def fail_with(self, raw: bytes) -> None:
        """Answer each request with these bytes, and close."""

        async def fault(writer: StreamWriter) -> None:
            writer.write(raw)
            await writer.drain()

        self.fault = fault

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = [line.partition(":") for line in head.split("\r\n")[1:] if line]
                self.requests.append({name.lower(): value.strip() for name, _, value in lines})
                if self.fault is not None:
                    await self.fault(writer)
                    return
                writer.write(self._answer(self.cookies[-1]))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _answer(self, cookie: str) -> bytes:
        pairs = dict(pair.partition("=")[::2] for pair in cookie.split("; "))
        known = self.sessions.get(pairs.get(SESSION_COOKIE, ""))
        if known is None:
            return answer("401 Unauthorized", b'{"errors": []}')
        # As systems do that prolong a session whenever it is used.
        return answer("200 OK", json.dumps(known).encode(), f"Set-Cookie: {SESSION_COOKIE}=prolonged; Path=/")


@asynccontextmanager
async def user_system() -> AsyncIterator[UserSystem]:
    system = UserSystem()
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(system.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    system.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/users/me"
    try:
        yield system
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
