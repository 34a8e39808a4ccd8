"""What the command line says: results on standard output, words about itself on standard error."""

import asyncio
import os
import sys
from collections.abc import Iterable
from typing import BinaryIO

from callboard_worker.console.terminal import neutralised
from callboard_worker.sdk.retry import RetryNotice

_TOLD_AT_FAILURE = 2
"""One lost packet is no news; of one outage we speak once."""


class Console:
    """Standard output may close early (``| head``): then `echo` goes on in silence and `is_open` is False."""

    def __init__(self, out: BinaryIO | None = None) -> None:
        self._out = out or sys.stdout.buffer
        self.is_open = True

    def say(self, text: str) -> None:
        """One line on standard error."""
        sys.stderr.write(f"callboard: {neutralised(text)}\n")
        sys.stderr.flush()

    def retrying(self, notice: RetryNotice) -> None:
        """Say that the gateway is away, once per call that meets it."""
        if notice.failures == _TOLD_AT_FAILURE:
            self.say(f"the gateway does not answer ({notice.reason}); trying again until it does")

    async def echo(self, lines: Iterable[str]) -> None:
        """Lines on standard output, as they are. In a thread: a reader that is slow must not stop our event loop."""
        text = "".join(f"{line}\n" for line in lines)
        if text and self.is_open:
            try:
                await asyncio.to_thread(self._write, text.encode())
            except BrokenPipeError:
                self.is_open = False
                # The interpreter flushes standard output once more at its end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())

    def _write(self, encoded: bytes) -> None:
        self._out.write(encoded)
        self._out.flush()
