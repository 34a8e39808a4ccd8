"""A TCP proxy that can lose an answer: what was asked is done, and the one who asked never hears of it."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

CHUNK = 64 * 1024


class LossyProxy:
    """Passes everything on, but for the answers to the requests that `loses` says yes to.

    Such a request is carried out; its connection breaks at the answer, and `lost` counts it.
    """

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.lost = 0
        self.loses: Callable[[bytes], bool] = lambda _request: False
        self._target_port = target_port

    @property
    def redis_url(self) -> str:
        """The URL of a Redis behind it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def lose_next_answer_to(self, command: bytes) -> None:
        """Lose the answer to the next request that holds `command`."""

        def is_next(request: bytes) -> bool:
            if command not in request:
                return False
            self.loses = lambda _request: False
            return True

        self.loses = is_next

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        is_losing = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry_requests(reader, upstream_writer, is_losing))
                ways.create_task(self._carry_answers(upstream_reader, writer, is_losing))
        except* OSError:
            pass
        finally:
            writer.transport.abort()
            upstream_writer.transport.abort()

    async def _carry_requests(self, reader: StreamReader, writer: StreamWriter, is_losing: asyncio.Event) -> None:
        while request := await reader.read(CHUNK):
            if self.loses(request):
                is_losing.set()
            writer.write(request)
            await writer.drain()
        raise ConnectionResetError

    async def _carry_answers(self, reader: StreamReader, writer: StreamWriter, is_losing: asyncio.Event) -> None:
        while answer := await reader.read(CHUNK):
            if is_losing.is_set():
                self.lost += 1
                break
            writer.write(answer)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def lossy_proxy(target_port: int) -> AsyncIterator[LossyProxy]:
    """A proxy to a port on loopback, on a port of its own."""
    proxy = LossyProxy(target_port)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(proxy.carry(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
