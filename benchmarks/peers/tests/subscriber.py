"""One client as an `Opening` describes it: it opens its socket, subscribes, and counts what it hears."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from benchmarks.server import Opening

RECEIVED_BYTES = 1 << 16
NUMBER = re.compile(rb'"n": ?([0-9]+),"t":|"n": ?([0-9]+), "t":')


class NotUpgraded(Exception):
    """The server answered something else than 101."""


class Subscriber:
    def __init__(self, opening: Opening, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard: list[int] = []
        self._opening = opening
        self._reader = reader
        self._writer = writer
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
        self._answers = dict(opening.answers)
        self._is_ready = not opening.ready

    @classmethod
    async def open(cls, opening: Opening, port: int) -> "Subscriber":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(opening.request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise NotUpgraded(head.decode())
        subscriber = cls(opening, reader, writer)
        for message in opening.after:
            subscriber._say(message)
        while not subscriber._is_ready:
            await subscriber._listen()
        return subscriber

    async def hear(self, count: int) -> None:
        while len(self.heard) < count:
            await self._listen()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _listen(self) -> None:
        received = await self._reader.read(RECEIVED_BYTES)
        if not received:
            raise ConnectionResetError("the server hung up")
        self._protocol.receive_data(received)
        for event in self._protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode in (Opcode.TEXT, Opcode.BINARY):
                self._take(bytes(event.data))
        self._writer.writelines(self._protocol.data_to_send())  # pongs

    def _take(self, message: bytes) -> None:
        self._is_ready = self._is_ready or message.startswith(self._opening.ready)
        if message in self._answers:
            self._say(self._answers[message])
        self.heard += [int(found[1] or found[2]) for found in NUMBER.finditer(message)]

    def _say(self, message: bytes) -> None:
        if self._opening.after_binary:
            self._protocol.send_binary(message)
        else:
            self._protocol.send_text(message)
        self._writer.writelines(self._protocol.data_to_send())


@asynccontextmanager
async def opened(openings: Iterable[Opening], port: int) -> AsyncIterator[list[Subscriber]]:
    """All of them, one after the other; closed at the end of the block."""
    subscribers: list[Subscriber] = []
    try:
        for opening in openings:
            subscribers.append(await Subscriber.open(opening, port))  # noqa: PERF401 - what is open is closed on failure
        yield subscribers
    finally:
        for subscriber in subscribers:
            await subscriber.close()
