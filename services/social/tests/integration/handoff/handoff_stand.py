"""A uvicorn with a tiny application behind it, as seen from inside and from its client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from callboard_social.handoff import HandoffProtocol, SlimSocket, SocketLimits, hand_off
from callboard_testkit.raw_peer import RawPeer, raw_connection, upgrade_request
from callboard_testkit.waiting import eventually
from starlette.types import Message, Receive, Scope, Send

from services.social.tests.unit.slim_socket_stand import Told

LIMITS = SocketLimits(64 * 1024, linger=1.0)
Step = Callable[[], Awaitable[None]]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to pytest."""
        yield


class Serving:
    """A server, and what it keeps."""

    def __init__(self, server: _Server, running: asyncio.Task[None]) -> None:
        self._server = server
        self._running = running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}/socket"

    @property
    def connections(self) -> set[Any]:
        return self._server.server_state.connections

    @property
    def sockets(self) -> list[SlimSocket]:
        return [connection for connection in self.connections if isinstance(connection, SlimSocket)]

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        return self._server.server_state.tasks

    @property
    def has_ended(self) -> bool:
        return self._running.done()

    @property
    def is_empty(self) -> bool:
        """True when neither a connection nor a task is left."""
        return not self.connections and not self.tasks

    def end(self) -> None:
        """As after a signal."""
        self._server.should_exit = True

    def client(self) -> AbstractAsyncContextManager[RawPeer]:
        """A TCP connection on which nothing has been said."""
        return raw_connection(self.url)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RawPeer]:
        async with self.client() as peer:
            await self.ask(peer)
            await accepted(peer)
            yield peer

    async def ask(self, peer: RawPeer) -> None:
        """Ask for the upgrade."""
        await peer.send(upgrade_request(self.url, "none"))


async def accepted(peer: RawPeer) -> bytes:
    """The answer to the upgrade, which accepts it."""
    head = await peer.head()
    assert head.startswith(b"HTTP/1.1 101 "), head.partition(b"\r\n")[0]
    return head


@asynccontextmanager
async def serving(application: Any, **options: Any) -> AsyncIterator[Serving]:
    settings = {"ws": HandoffProtocol, "port": 0, "log_config": None, "lifespan": "off", "timeout_graceful_shutdown": 3}
    server = _Server(uvicorn.Config(application, **{**settings, **options}))
    running = asyncio.create_task(server.serve())
    serving = Serving(server, running)
    try:
        await eventually(lambda: server.started or running.done())
        yield serving
    finally:
        serving.end()
        await running


async def at_once() -> None:
    pass


@dataclass
class HandsOff:
    """Accepts and hands off; what it does before either is up to the test."""

    before_accept: Step = at_once
    between: Step = at_once
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    limits: SocketLimits = LIMITS
    welcome: bytes = b""
    told: list[Told] = field(default_factory=list)
    sockets: list[SlimSocket] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    on_scope: Callable[[Scope], None] = lambda _scope: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.on_scope(scope)
        await receive()
        try:
            await self.before_accept()
            await send({"type": "websocket.accept", "headers": self.headers})
            await self.between()
            self.told.append(Told())
            slim = hand_off(scope, self.told[-1], self.limits)
            self.sockets.append(slim)
            if self.welcome:
                slim.write(self.welcome)
        except Exception as error:
            self.errors.append(error)
            raise


@dataclass
class Keeps:
    """Goes on by ASGI: says back what it hears, until it hears "end"; keeps what it was told."""

    received: list[Message] = field(default_factory=list)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.received.append(await receive())
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            self.received.append(message)
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") == "end":
                await send({"type": "websocket.close", "code": 4001, "reason": "ended"})
            else:
                await send({**message, "type": "websocket.send"})
