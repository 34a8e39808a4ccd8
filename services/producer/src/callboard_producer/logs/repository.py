"""Log lines in SQL, in the chunks they came in."""

import json
from dataclasses import dataclass

from callboard_servicekit import strict_json
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_producer.tables import LogChunkRow

CHUNKS_AT_ONCE = 16
"""A chunk may be a mebibyte of text."""


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """Which attempt's lines."""

    organization_id: str
    task_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much to read at most: lines, and bytes of text unless the first line alone is longer."""

    lines: int
    bytes: int


class LogRepository:
    """Chunks of an attempt are contiguous from line 1; who appends holds the lock of the execution."""

    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, log: AttemptLog, first_line: int, lines: tuple[str, ...]) -> None:
        self._unit.add(
            LogChunkRow(
                organization_id=log.organization_id,
                task_id=log.task_id,
                attempt=log.attempt,
                first_line=first_line,
                last_line=first_line + len(lines) - 1,
                lines=strict_json.dumps(lines),
            )
        )
        await self._unit.flush()

    async def last_line(self, log: AttemptLog) -> int:
        """0 for an attempt without lines."""
        query = select(func.max(LogChunkRow.last_line)).where(_of(log))
        return await self._unit.scalar(query) or 0

    async def lines(self, log: AttemptLog, after: int, bounds: Bounds) -> tuple[str, ...]:
        """The stored lines from number ``after + 1`` on; one at least, if there is one."""
        found: list[str] = []
        room = bounds.bytes
        while chunks := await self._chunks(log, after + len(found)):
            for chunk in chunks:
                lines: list[str] = json.loads(chunk.lines)
                for line in lines[after + len(found) + 1 - chunk.first_line :]:
                    room -= len(line.encode())
                    if len(found) == bounds.lines or (found and room < 0):
                        return tuple(found)
                    found.append(line)
        return tuple(found)

    async def _chunks(self, log: AttemptLog, after: int) -> list[LogChunkRow]:
        """The next few chunks that reach beyond a line."""
        first = select(func.max(LogChunkRow.first_line)).where(_of(log), LogChunkRow.first_line <= after + 1)
        query = (
            select(LogChunkRow)
            .where(_of(log), LogChunkRow.first_line >= first.scalar_subquery(), LogChunkRow.last_line > after)
            .order_by(LogChunkRow.first_line)
            .limit(CHUNKS_AT_ONCE)
        )
        return list(await self._unit.scalars(query))


def _of(log: AttemptLog) -> ColumnElement[bool]:
    return and_(
        LogChunkRow.organization_id == log.organization_id,
        LogChunkRow.task_id == log.task_id,
        LogChunkRow.attempt == log.attempt,
    )
