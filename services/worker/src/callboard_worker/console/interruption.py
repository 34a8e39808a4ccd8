"""SIGINT and SIGTERM, as something that a program waits for and passes on."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SIGNAL_EXIT_BASE = 128

Result = TypeVar("Result")


class Interrupted(Exception):
    """A signal came before the work was done."""


class Interruption:
    """The first signal decides how the program ends; every one is passed to the receiver of the moment."""

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self._receiver: Callable[[signal.Signals], None] | None = None
        self._again = asyncio.Event()
        self._once = asyncio.Event()

    @property
    def exit_code(self) -> int:
        """130 after SIGINT, 143 after SIGTERM, 0 after neither."""
        return 0 if self.first is None else _SIGNAL_EXIT_BASE + self.first

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Signals of the process come here instead of ending it."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.deliver, number)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    @contextmanager
    def passed_to(self, receiver: Callable[[signal.Signals], None]) -> Iterator[None]:
        """Within the block the receiver is told of each signal, of one that came before as well."""
        self._receiver = receiver
        try:
            if self.first is not None:
                receiver(self.first)
            yield
        finally:
            self._receiver = None

    def deliver(self, number: signal.Signals) -> None:
        """A signal has come."""
        if self.first is None:
            self.first = number
        else:
            self._again.set()
        self._once.set()
        if self._receiver is not None:
            self._receiver(number)

    async def happened(self) -> None:
        """Returns at the first signal, at once when it has come already."""
        await self._once.wait()

    async def insisted(self) -> None:
        """Returns at the next signal after this call."""
        self._again.clear()
        await self._again.wait()

    async def unless(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The work's result; raises Interrupted, the work cancelled, when a signal comes first."""
        return await _unless(self.happened(), work)

    async def unless_insisted(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The same, for a further signal."""
        return await _unless(self.insisted(), work)


async def _unless(signalled: Coroutine[Any, Any, None], work: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.ensure_future(work)
    signal_task = asyncio.ensure_future(signalled)
    try:
        await asyncio.wait({task, signal_task}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Interrupted
    finally:
        task.cancel()
        signal_task.cancel()
        await asyncio.gather(task, signal_task, return_exceptions=True)
