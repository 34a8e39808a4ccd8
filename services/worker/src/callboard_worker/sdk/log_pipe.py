"""Lines on their way to the gateway: numbered, gathered into chunks, bounded, none dropped."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from callboard_contracts.executions import MAX_CHUNK_BYTES, MAX_LINES_PER_CHUNK, wire_bytes

MAX_HELD_BYTES = 4 * 1024 * 1024
"""What may wait while the gateway is away; then `put` waits, and with it whoever makes the lines."""
MAX_HELD_LINES = 65_536
FLUSH_AFTER = timedelta(milliseconds=200)

SendChunk = Callable[[int, list[str]], Awaitable[object]]
"""Stores lines from a line number on, and returns when that is acknowledged."""


class LogPipe:
    """Order is the order of `put`; a line's number is its place. One task runs `drain`."""

    def __init__(self, send: SendChunk, next_line: int, flush_after: timedelta = FLUSH_AFTER) -> None:
        self._send = send
        self._next_line = next_line
        self._flush_after = flush_after.total_seconds()
        self._lines: deque[tuple[str, int]] = deque()
        self._held_bytes = 0
        self._closed = False
        self._failure: Exception | None = None
        self._changed = asyncio.Condition()
        self._turn = asyncio.Lock()

    async def put(self, lines: Iterable[str]) -> None:
        """Take lines, without others' between them; waits for room. Raises what sending them raised."""
        async with self._turn:
            for line in lines:
                size = wire_bytes(line)
                async with self._changed:
                    await self._changed.wait_for(partial(self._may_go_on, size))
                    if self._failure is not None:
                        raise self._failure
                    self._lines.append((line, size))
                    self._held_bytes += size
                    self._changed.notify_all()

    async def close(self) -> None:
        """No more lines: `drain` sends what is left at once, then ends."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def drain(self) -> None:
        """Send until closed and empty. What sending raises ends it, and is raised by the next `put`."""
        try:
            while chunk := await self._next_chunk():
                await self._send(self._next_line, chunk)
                self._next_line += len(chunk)
        except Exception as error:
            async with self._changed:
                self._failure = error
                self._changed.notify_all()
            raise

    def _may_go_on(self, size: int) -> bool:
        has_room = self._held_bytes + size <= MAX_HELD_BYTES and len(self._lines) < MAX_HELD_LINES
        return has_room or self._failure is not None

    def _fills_a_chunk(self) -> bool:
        return self._closed or self._held_bytes >= MAX_CHUNK_BYTES or len(self._lines) >= MAX_LINES_PER_CHUNK

    async def _next_chunk(self) -> list[str]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._lines)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._flush_after):
                    await self._changed.wait_for(self._fills_a_chunk)
            chunk = self._take_chunk()
            self._changed.notify_all()
            return chunk

    def _take_chunk(self) -> list[str]:
        chunk: list[str] = []
        room = MAX_CHUNK_BYTES
        while self._lines and self._lines[0][1] <= room and len(chunk) < MAX_LINES_PER_CHUNK:
            line, size = self._lines.popleft()
            room -= size
            self._held_bytes -= size
            chunk.append(line)
        return chunk
