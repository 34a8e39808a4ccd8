"""Appending and reading log lines."""

from dataclasses import dataclass
from datetime import datetime

from callboard_contracts.events import EventType
from callboard_contracts.executions import (
    MAX_CHUNK_BYTES,
    MAX_LINE_BYTES,
    LogChunk,
    LogEvent,
    LogPage,
    wire_bytes,
)
from callboard_contracts.positions import Position
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_producer.errors import AttemptNotBegun, AttemptOver, ChunkTooLarge, LineConflict, LineGap, LineTooLong
from callboard_producer.events import encode_event
from callboard_producer.executions.execution import Execution
from callboard_producer.executions.repository import ExecutionRepository
from callboard_producer.executions.service import find_execution, lock_execution
from callboard_producer.logs.repository import AttemptLog, Bounds, LogRepository
from callboard_producer.outbox import OutboxEvent, OutboxRepository, Subject
from callboard_producer.tables import OutboxKind

MAX_PAGE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the attempt's log stands after a call; ``event`` is None when every line was stored before."""

    execution: Execution
    attempt: int
    last_line: int
    new_lines: int
    event: OutboxEvent | None

    @property
    def outcome(self) -> str:
        return "repeated" if self.event is None else "stored"

    @property
    def subject(self) -> Subject:
        return Subject(self.execution.organization_id, self.execution.task_id, OutboxKind.LOGS)


def check_size(chunk: LogChunk) -> None:
    """Raises `LineTooLong` or `ChunkTooLarge`."""
    if max(len(line.encode()) for line in chunk.lines) > MAX_LINE_BYTES:
        raise LineTooLong
    if sum(map(wire_bytes, chunk.lines)) > MAX_CHUNK_BYTES:
        raise ChunkTooLarge


async def append_lines(
    unit: AsyncSession, organization_id: str, task_id: str, chunk: LogChunk, now: datetime
) -> Appended:
    """Store the lines of a chunk that are not stored yet.

    Raises:
        ExecutionNotFound: nobody has posted a status for this task.
        AttemptNotBegun: the chunk is for a later attempt than the current one.
        AttemptOver: the chunk is for an earlier one, and does not just repeat its lines.
        LineConflict: another text is stored under one of the numbers.
        LineGap: lines before the chunk are missing.
    """
    execution = await lock_execution(unit, organization_id, task_id)
    attempt = chunk.attempt or execution.state.attempt
    log = AttemptLog(organization_id, task_id, attempt)
    logs = LogRepository(unit)
    if attempt > execution.state.attempt:
        raise AttemptNotBegun
    if attempt < execution.state.attempt:
        return await _repeated(logs, log, execution, chunk)
    fresh = await _fresh_lines(logs, log, chunk, execution.last_line)
    if not fresh:
        return Appended(execution, attempt, execution.last_line, 0, None)
    first_line = execution.last_line + 1
    await logs.add(log, first_line, fresh)
    longer = execution.with_lines(len(fresh))
    await ExecutionRepository(unit).save(longer)
    event = _event(longer, first_line, fresh, now)
    await OutboxRepository(unit).add(event)
    return Appended(longer, attempt, longer.last_line, len(fresh), event)


async def read_page(
    unit: AsyncSession, organization_id: str, task_id: str, attempt: int | None, *, after: int, limit: int
) -> LogPage:
    """Lines ``after + 1 ...`` of an attempt, the current one by default; raises `ExecutionNotFound`."""
    execution = await find_execution(unit, organization_id, task_id)
    attempt = attempt or execution.state.attempt
    log = AttemptLog(organization_id, task_id, attempt)
    logs = LogRepository(unit)
    is_current = attempt == execution.state.attempt
    end = execution.last_line if is_current else await logs.last_line(log)
    lines = await logs.lines(log, after, Bounds(limit, MAX_PAGE_BYTES))
    reached = after + len(lines) if lines else end
    return LogPage(
        attempt=attempt,
        first_line=after + 1,
        lines=lines,
        position=str(Position(str(attempt), reached)),
        next_after=reached if reached < end else None,
    )


async def _repeated(logs: LogRepository, log: AttemptLog, execution: Execution, chunk: LogChunk) -> Appended:
    last_line = await logs.last_line(log)
    try:
        fresh = await _fresh_lines(logs, log, chunk, last_line)
    except (LineConflict, LineGap) as error:
        raise AttemptOver from error
    if fresh:
        raise AttemptOver
    return Appended(execution, log.attempt, last_line, 0, None)


async def _fresh_lines(logs: LogRepository, log: AttemptLog, chunk: LogChunk, last_line: int) -> tuple[str, ...]:
    """The lines of the chunk after the last stored one, once those before it are found to be the same."""
    if chunk.first_line > last_line + 1:
        raise LineGap(last_line + 1)
    overlap = min(len(chunk.lines), last_line + 1 - chunk.first_line)
    if overlap:
        stored = await logs.lines(log, chunk.first_line - 1, Bounds(overlap, MAX_CHUNK_BYTES))
        if stored != tuple(chunk.lines[:overlap]):
            raise LineConflict
    return tuple(chunk.lines[overlap:])


def _event(execution: Execution, first_line: int, lines: tuple[str, ...], now: datetime) -> OutboxEvent:
    data = LogEvent(task_id=execution.task_id, attempt=execution.state.attempt, first_line=first_line, lines=lines)
    return OutboxEvent(
        subject=Subject(execution.organization_id, execution.task_id, OutboxKind.LOGS),
        sequence=execution.log_chunks,
        body=encode_event(EventType.EXECUTION_LOG, at=now, data=data.model_dump(mode="json", by_alias=True)),
        attempt=execution.state.attempt,
        last_line=execution.last_line,
    )
