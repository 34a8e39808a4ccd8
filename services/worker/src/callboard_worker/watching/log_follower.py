"""One execution's log, read and then followed, without a gap and without a line twice."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from callboard_contracts.executions import LogEvent, LogPage

from callboard_worker.sdk.errors import NotFound


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines ``first_line ...`` of an attempt; ``is_stored`` when they were read over HTTP."""

    attempt: int
    first_line: int
    texts: tuple[str, ...]
    is_stored: bool


class ReadsLogs(Protocol):
    """The one call of the client that this needs."""

    async def read_log(
        self, task_id: str, attempt: int | None = None, after: int = 0, limit: int = 1000
    ) -> LogPage: ...


class LogFollower:
    """Goes by line numbers: what the live events leave out is read over HTTP."""

    def __init__(self, client: ReadsLogs, task_id: str) -> None:
        self.task_id = task_id
        self._client = client
        self._attempt: int | None = None
        self._last_line = 0

    def begin_at(self, event: LogEvent) -> None:
        """Leave out what came before this event."""
        self._attempt, self._last_line = event.attempt, event.first_line - 1

    async def catch_up(self) -> AsyncGenerator[Lines, None]:
        """The stored lines after the last one known, then those of the current attempt if that is another."""
        try:
            if self._attempt is not None:
                async for lines in self._stored():
                    yield lines
            current = (await self._client.read_log(self.task_id, limit=1)).attempt
            if current != self._attempt:
                self._attempt, self._last_line = current, 0
                async for lines in self._stored():
                    yield lines
        except NotFound:
            # Nothing has been posted yet: the live events will bring it from its first line.
            return

    async def take(self, event: LogEvent) -> AsyncGenerator[Lines, None]:
        """What is new in a live event, after whatever is missing before it."""
        if self._attempt is None or event.attempt > self._attempt or event.first_line > self._last_line + 1:
            async for lines in self.catch_up():
                yield lines
        if self._attempt is not None and event.attempt < self._attempt:
            return
        known = max(0, self._last_line + 1 - event.first_line) if event.attempt == self._attempt else 0
        fresh = event.lines[known:]
        if fresh:
            first_line = event.first_line + known
            self._attempt, self._last_line = event.attempt, first_line + len(fresh) - 1
            yield Lines(event.attempt, first_line, fresh, is_stored=False)

    async def _stored(self) -> AsyncGenerator[Lines, None]:
        after: int | None = self._last_line
        while after is not None:
            page = await self._client.read_log(self.task_id, self._attempt, after)
            after = page.next_after
            if page.lines:
                self._last_line = page.first_line + len(page.lines) - 1
                yield Lines(page.attempt, page.first_line, page.lines, is_stored=True)
