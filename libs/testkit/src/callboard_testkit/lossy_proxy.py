"""A TCP proxy that can lose an answer: what was asked is done, and the one who asked never hears of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 64 * 1024


class LossyProxy:
    """Passes everything on, until `lose_next_answer_to` names what to look for in a request."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.lost = 0
        self._target_port = target_port
        self._losing: bytes | None = None

    def lose_next_answer_to(self, command: bytes) -> None:
        """The next request that holds `command` is passed on and carried out; then its connection breaks."""
        self._losing = command

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        answer_is_lost = asyncio.Event()

        async def requests() -> None:
            while request := await reader.read(CHUNK):
                if self._losing is not None and self._losing in request:
                    self._losing = None
                    answer_is_lost.set()
                upstream_writer.write(request)
                await upstream_writer.drain()
            upstream_writer.close()

        async def answers() -> None:
            while answer := await upstream_reader.read(CHUNK):
                if answer_is_lost.is_set():
                    self.lost += 1
                    break
                writer.write(answer)
                await writer.drain()
            writer.close()

        await asyncio.gather(requests(), answers(), return_exceptions=True)


@asynccontextmanager
async def lossy_proxy(target_port: int) -> AsyncIterator[LossyProxy]:
    """A proxy to a port on loopback, on a port of its own."""
    proxy = LossyProxy(target_port)
    server = await asyncio.start_server(proxy.pass_on, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
