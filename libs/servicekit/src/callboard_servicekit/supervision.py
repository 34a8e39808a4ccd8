"""No half-dead process: background tasks live under one supervisor, and when one ends, the process ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)

RECANCEL_SECONDS = 0.5


class TaskEnded(Exception):
    """A background task that should run as long as the service does has ended."""


class Supervisor:
    """Runs background tasks; `on_death` is called once, when the first of them ends by itself."""

    def __init__(self, on_death: Callable[[], None]) -> None:
        self._on_death = on_death
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._dead: str | None = None
        self._stopping = False

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = name
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        name = self._tasks.pop(task)
        if self._stopping and task.cancelled():
            return
        # A task may also end by a cancellation that nobody here asked for.
        log.critical("background_task_ended", task=name, exc_info=None if task.cancelled() else task.exception())
        if self._dead is None and not self._stopping:
            self._dead = name
            self._on_death()

    async def check(self) -> None:
        """Raises `TaskEnded` once a task has ended; a readiness check."""
        if self._dead is not None:
            raise TaskEnded(self._dead)

    async def stop(self) -> None:
        self._stopping = True
        # More than once: before Python 3.12 `asyncio.wait_for`, which redis-py sends with, may swallow a cancellation.
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=RECANCEL_SECONDS)


@asynccontextmanager
async def supervised(on_death: Callable[[], None]) -> AsyncIterator[Supervisor]:
    """A supervisor whose tasks are cancelled, and waited for, at the end of the block."""
    supervisor = Supervisor(on_death)
    try:
        yield supervisor
    finally:
        await supervisor.stop()
