"""What the namespaces of a session stand on and hold, in memory."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from callboard_social.dialects.socketio.application import Acknowledge, Visit
from callboard_social.dialects.socketio.server import SocketIo
from callboard_social.dialects.socketio.session import NamespacesOfSession
from callboard_social.dialects.socketio.socket import Socket
from callboard_social.wire.protocol import Batch, Frame
from starlette.requests import HTTPConnection


class Engine:
    """An Engine.IO session that keeps what it is told."""

    def __init__(self) -> None:
        self.request = HTTPConnection({"type": "http", "headers": []})
        self.sent: list[str | bytes] = []
        self.is_admitted = False
        self.is_closed = False

    def admit(self) -> None:
        self.is_admitted = True

    def send(self, frame: Frame) -> None:
        if not self.is_closed:
            self.sent += [frame.text, *frame.attachments]

    def write(self, batch: Batch) -> None:
        for frame in batch.frames:
            self.send(frame)

    def close(self) -> None:
        self.is_closed = True

    def drop(self, *last: Frame) -> None:
        self.sent = [frame.text for frame in last]
        self.is_closed = True


class Recorder:
    """An application with one session, which keeps what is called."""

    def __init__(self) -> None:
        self.socket: Socket
        self.calls: list[Any] = []
        self.refusal: Exception | None = None
        self.refusal_in_greeting: Exception | None = None
        self.is_stranger = False
        """Whether whoever connects now is told by an event that it may not, and then disconnected."""
        self.on_event: Callable[[str, list[Any], Acknowledge | None], None] = lambda *_: None
        self.gate = asyncio.Event()
        self.gate.set()

    def __call__(self, socket: Socket, _visit: Visit) -> "Recorder":
        self.socket = socket
        return self

    async def admit(self, auth: Mapping[str, Any]) -> None:
        self.calls.append(("admit", dict(auth)))
        await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        if not self.is_stranger:
            self.socket.admit()

    async def greet(self) -> None:
        self.calls.append("greet")
        if self.refusal_in_greeting is not None:
            raise self.refusal_in_greeting
        if self.is_stranger:
            self.socket.emit("refused")
            self.socket.disconnect()
        self.socket.emit("welcome")

    async def receive(self, event: str, arguments: list[Any], acknowledge: Acknowledge | None) -> None:
        self.calls.append((event, arguments))
        await self.gate.wait()
        self.on_event(event, arguments, acknowledge)

    def end(self, *, is_clean: bool) -> None:
        self.calls.append(("end", is_clean))

    @property
    def endings(self) -> list[bool]:
        return [call[1] for call in self.calls if call[0] == "end"]


class Counts:
    def __init__(self) -> None:
        self.came: list[tuple[str, int]] = []
        self.went: list[str] = []

    def inbound(self, kind: str, size: int) -> None:
        self.came.append((kind, size))

    def outbound(self, frame: Frame) -> None:
        self.went.append(frame.kind)


class Client:
    """A session with the applications `/` and `/b`, from its client's side."""

    def __init__(self, session: NamespacesOfSession, engine: Engine, main: Recorder, other: Recorder) -> None:
        self.session = session
        self.engine = engine
        self.main = main
        self.other = other

    async def say(self, *messages: str | bytes) -> None:
        for message in messages:
            await self.session.received(message)
        await asyncio.sleep(0)  # ends are told a turn later

    async def hang_up(self, *, is_clean: bool = False) -> None:
        self.session.ended(is_clean=is_clean)
        await asyncio.sleep(0)

    def heard(self) -> list[str | bytes]:
        heard, self.engine.sent = self.engine.sent, []
        return heard

    def forget(self) -> None:
        """What was said and called so far is of no interest."""
        self.heard()
        self.main.calls.clear()
        self.other.calls.clear()


async def open_client(**options: Any) -> Client:
    """A session that is in no namespace yet."""
    engine, main, other = Engine(), Recorder(), Recorder()
    return Client(await SocketIo({"/": main, "/b": other}, **options)(engine), engine, main, other)


async def connect_client() -> Client:
    """In both namespaces; what was said about it has been read."""
    client = await open_client()
    await client.say("0", "0/b,")
    client.forget()
    return client
