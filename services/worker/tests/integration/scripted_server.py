"""A WebSocket server that plays scripts, with the clock and the tickets of the client that meets it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus

from callboard_worker.sdk.retry import Timing
from callboard_worker.sdk.stream import EventStream
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Script = Callable[[ServerConnection], Awaitable[None]]


class Clock:
    """Sleeps take no time, and are noted; jitter is always the ceiling."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def timing(self) -> Timing:
        return Timing(
            monotonic=lambda: self.now,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            sleep=self.sleep,
            uniform=lambda _low, high: high,
        )


class Tickets:
    def __init__(self) -> None:
        self.minted = 0
        self.discarded = 0

    async def mint(self) -> str:
        self.minted += 1
        return f"t{self.minted}"

    def discard(self) -> None:
        self.discarded += 1


class World:
    """A server that plays one script per connection, the last one for all that follow."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.subprotocols: list[str] = []
        self.clock = Clock()
        self.tickets = Tickets()
        self.answers: list[Response] = []

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.subprotocols.append(connection.request.headers["Sec-WebSocket-Protocol"])
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        await script(connection)

    def refuse(self, _connection: ServerConnection, _request: Request) -> Response | None:
        return self.answers.pop(0) if self.answers else None

    @asynccontextmanager
    async def stream(self, *channels: str) -> AsyncIterator[EventStream]:
        async with (
            serve(
                self.serve,
                "127.0.0.1",
                0,
                subprotocols=[Subprotocol("callboard.v1")],
                process_request=self.refuse,
            ) as server,
            EventStream(
                address(server), channels, self.tickets.mint, self.tickets.discard, self.clock.timing()
            ) as stream,
        ):
            yield stream


def address(server: Server) -> str:
    return f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def connected(org: str = "e:0") -> str:
    return json.dumps(
        {
            "type": "connected",
            "userId": "u",
            "login": "ci",
            "organizationId": "o",
            "role": "member",
            "connectionId": "c",
            "expiresAt": None,
            "channels": [{"channel": "org", "position": org}],
        }
    )


def event(position: str, channel: str = "org") -> str:
    return json.dumps(
        {"type": "execution-updated", "channel": channel, "position": position, "at": "x", "data": {"p": position}}
    )


def says(*frames: str, code: int | None = None, reason: str = "") -> Script:
    async def script(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
        if code is None:
            await connection.wait_closed()
        else:
            await connection.close(code, reason)

    return script


def answer(status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(status, HTTPStatus(status).phrase, Headers(headers or {} | {"Content-Length": "0"}))
