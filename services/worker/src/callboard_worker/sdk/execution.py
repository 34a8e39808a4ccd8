"""A run of one task, from RUNNING to its end, with its log."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from callboard_contracts.executions import Broadcasted, Execution, LogAppended, LogPage, Status

from callboard_worker.sdk.errors import AttemptOver, CallboardError
from callboard_worker.sdk.lines import log_lines
from callboard_worker.sdk.log_pipe import LogPipe
from callboard_worker.sdk.retry import Timing

CANCELLED_GRACE_SECONDS = 10.0
"""How long a cancelled run tries to say so; the program wants to end."""


class Reporting(Protocol):
    """The calls of the client that a run is made of."""

    async def update(
        self,
        task_id: str,
        status: Status,
        *,
        attempt: int | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        **fields: Any,
    ) -> Broadcasted: ...

    async def get(self, task_id: str) -> Execution: ...

    async def append_log(
        self, task_id: str, first_line: int, lines: Iterable[str], attempt: int | None = None
    ) -> LogAppended: ...

    async def read_log(
        self, task_id: str, attempt: int | None = None, after: int = 0, limit: int = 1000
    ) -> LogPage: ...


class ExecutionRun:
    """One attempt of one task, as an asynchronous context manager.

    Entering posts RUNNING. Leaving sends the log to its last line, then posts PASSED, FAILED when the body raised
    (which is raised again), or CANCELLED when it was cancelled. A task that has finished before gets a new attempt;
    an attempt that another process left unfinished is taken up, its log goes on after the stored lines.
    """

    def __init__(
        self,
        client: Reporting,
        task_id: str,
        timing: Timing,
        *,
        attempt: int | None = None,
        start_time: datetime | None = None,
        fields: dict[str, Any] | None = None,
    ) -> None:
        self.task_id = task_id
        self.attempt = attempt
        """Which attempt this is; known once the run has begun."""
        self._client = client
        self._timing = timing
        self._start_time = start_time or timing.now()
        self._fields = fields or {}
        self._pipe: LogPipe | None = None
        self._sender: asyncio.Task[None] | None = None
        self._is_finished = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.finish(Status.PASSED)
            else:
                await self._finish_after(error)
        finally:
            await self.abandon()

    async def announce(self) -> None:
        """Post PENDING, ahead of `start`."""
        await self._open(Status.PENDING)

    async def start(self) -> None:
        """Post RUNNING and begin to take lines. `abandon` or `finish` has to follow."""
        await self._open(Status.RUNNING)
        next_line = await self._next_line()
        self._pipe = LogPipe(self._send_chunk, next_line)
        self._sender = asyncio.create_task(self._pipe.drain(), name=f"log of {self.task_id}")

    async def log(self, text: str) -> None:
        """Add one line, or several, to the log; waits while more than 4 MiB are on their way.

        Returns before they are stored; they are once `finish` returns. Raises what sending earlier lines raised.
        """
        if self._pipe is None or self._is_finished:
            raise RuntimeError("the run takes lines between its start and its end")
        await self._pipe.put(log_lines(text))

    async def finish(self, status: Status, **fields: Any) -> None:
        """Send the log to its last line, then post a final status; does nothing the second time.

        Raises Refused or GatewayUnreachable, also those that sending the log met; the status is posted before that.
        """
        if self._is_finished:
            return
        self._is_finished = True
        failure: CallboardError | None = None
        try:
            await self._send_rest()
        except CallboardError as error:
            failure = error
        times = {"start_time": self._start_time, "end_time": self._timing.now()}
        await self._client.update(self.task_id, status, attempt=self.attempt, **times, **fields)
        if failure is not None:
            raise failure

    async def abandon(self) -> None:
        """Stop sending, wherever it stands. After `finish` there is nothing left to stop."""
        self._is_finished = True
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    async def _open(self, status: Status) -> None:
        try:
            await self._post(status)
        except AttemptOver:
            if self.attempt is not None:
                raise
            # Finished with an end that our clock has not reached: only a number opens the next attempt.
            self.attempt = (await self._client.get(self.task_id)).attempt + 1
            await self._post(status)

    async def _post(self, status: Status) -> None:
        await self._client.update(
            self.task_id, status, attempt=self.attempt, start_time=self._start_time, **self._fields
        )

    async def _next_line(self) -> int:
        after: int | None = 0
        next_line = 1
        while after is not None:
            page = await self._client.read_log(self.task_id, self.attempt, after)
            self.attempt, after = page.attempt, page.next_after
            if page.lines:
                next_line = page.first_line + len(page.lines)
        return next_line

    async def _send_chunk(self, first_line: int, lines: list[str]) -> LogAppended:
        return await self._client.append_log(self.task_id, first_line, lines, self.attempt)

    async def _send_rest(self) -> None:
        if self._pipe is not None and self._sender is not None:
            await self._pipe.close()
            await self._sender

    async def _finish_after(self, error: BaseException) -> None:
        # What the body raised matters more than a report that fails.
        if isinstance(error, Exception):
            with suppress(CallboardError):
                await self.finish(Status.FAILED)
        else:
            with suppress(CallboardError, TimeoutError):
                async with asyncio.timeout(CANCELLED_GRACE_SECONDS):
                    await self.finish(Status.CANCELLED)
