"""A TCP proxy in front of Redis that carries commands over and loses replies to scripts."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65_536


class ForgetfulProxy:
    """`loses` is asked for each script call; when it says so the call is made and its reply is lost."""

    def __init__(self, redis_url: str) -> None:
        self._upstream = urlsplit(redis_url)
        self.loses: Callable[[], bool] = lambda: False
        self.lost = 0

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        is_losing = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry_commands(reader, upstream_writer, is_losing))
                ways.create_task(self._carry_replies(upstream_reader, writer, is_losing))
        except* OSError:
            pass
        finally:
            writer.transport.abort()
            upstream_writer.transport.abort()

    async def _carry_commands(self, reader: StreamReader, writer: StreamWriter, is_losing: asyncio.Event) -> None:
        while data := await reader.read(CHUNK):
            if b"EVALSHA" in data and self.loses():
                is_losing.set()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    async def _carry_replies(self, reader: StreamReader, writer: StreamWriter, is_losing: asyncio.Event) -> None:
        while data := await reader.read(CHUNK):
            if is_losing.is_set():
                self.lost += 1
                break
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def forgetful_proxy(redis_url: str) -> AsyncIterator[tuple[ForgetfulProxy, str]]:
    """The proxy, and the URL of Redis through it."""
    proxy = ForgetfulProxy(redis_url)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield proxy, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
