"""A child process: its output as one stream of bytes, its signals, its exit code."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

READ_BYTES = 64 * 1024
"""Also what is read ahead: when nobody takes it, the pipe fills and the child waits."""
LINGER_SECONDS = 2.0
"""A grandchild that keeps the pipe open and is silent for so long after the child's end is not waited for."""
_SIGNAL_EXIT_BASE = 128


class CannotStart(Exception):
    """The command did not start. ``exit_code`` is what a shell gives: 127 not found, 126 not executable."""

    def __init__(self, error: OSError) -> None:
        self.exit_code = 127 if isinstance(error, FileNotFoundError) else 126
        super().__init__(error.strerror or type(error).__name__)


class Child:
    """Made by `child_of`. It runs in a session of its own: a Ctrl-C at the terminal reaches it once, through us."""

    def __init__(self, process: Process, reader: asyncio.StreamReader) -> None:
        self._process = process
        self._reader = reader
        self._exit = asyncio.create_task(process.wait(), name="exit of the child")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and all that it started in its session; nothing when they are gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def exit_code(self) -> int:
        """As a shell says it: 128 and the signal's number for a child that a signal ended."""
        code = await asyncio.shield(self._exit)
        return code if code >= 0 else _SIGNAL_EXIT_BASE - code

    async def output(self) -> AsyncGenerator[bytes, None]:
        """Standard output and error as they come, to the end of both."""
        while True:
            read = asyncio.ensure_future(self._reader.read(READ_BYTES))
            try:
                await asyncio.wait({read, self._exit}, return_when=asyncio.FIRST_COMPLETED)
                if not read.done():
                    await asyncio.wait({read}, timeout=LINGER_SECONDS)
                chunk = read.result() if read.done() else b""
            finally:
                read.cancel()
                await asyncio.wait({read})
            if not chunk:
                return
            yield chunk

    async def end(self) -> None:
        """Kill what still runs, and wait for the child."""
        if not self._exit.done():
            self.signal(signal.SIGKILL)
        await self._exit


@asynccontextmanager
async def child_of(argv: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Child]:
    """Start a command; it is killed when the block is left before it has ended. Raises CannotStart."""
    readable, writable = os.pipe()
    reader = asyncio.StreamReader(limit=READ_BYTES)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(readable, "rb", buffering=0)
    )
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdout=writable, stderr=writable, env=environment, start_new_session=True
            )
        except OSError as error:
            raise CannotStart(error) from error
        finally:
            os.close(writable)
        child = Child(process, reader)
        try:
            yield child
        finally:
            await child.end()
    finally:
        transport.close()
