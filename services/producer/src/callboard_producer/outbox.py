"""The outbox in SQL: events that are committed and not known to be relayed.

A row is written in the transaction of the change it tells of, under the lock of its execution, and deleted only after
Redis has acknowledged it. So the first row that is left of an execution's sequence is its base: whatever came before
it has been relayed.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_producer.tables import OutboxKind, OutboxRow


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose sequence: an execution's versions (STATUS) or its log chunks (LOGS), each counted from 1."""

    organization_id: str
    task_id: str
    kind: OutboxKind


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """``body`` is the JSON of a `BusEvent` without ``v`` and ``position``; for STATUS ``last_line`` is 0."""

    subject: Subject
    sequence: int
    body: str
    attempt: int
    last_line: int = 0


class OutboxRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, event: OutboxEvent) -> None:
        self._unit.add(
            OutboxRow(
                organization_id=event.subject.organization_id,
                task_id=event.subject.task_id,
                kind=event.subject.kind,
                sequence=event.sequence,
                body=event.body,
                attempt=event.attempt,
                last_line=event.last_line,
            )
        )
        await self._unit.flush()

    async def pending(self, subject: Subject, *, after: int, until: int, limit: int) -> list[OutboxEvent]:
        """Events with ``after < sequence <= until``, in order."""
        query = (
            select(OutboxRow)
            .where(_of(subject), OutboxRow.sequence > after, OutboxRow.sequence <= until)
            .order_by(OutboxRow.sequence)
            .limit(limit)
        )
        return [
            OutboxEvent(subject, row.sequence, row.body, row.attempt, row.last_line)
            for row in await self._unit.scalars(query)
        ]

    async def forget(self, subject: Subject, *, until: int) -> None:
        """Delete events up to a sequence number; rows that another replica is deleting are left to it."""
        relayed = (
            select(OutboxRow.id)
            .where(_of(subject), OutboxRow.sequence <= until)
            .order_by(OutboxRow.sequence)
            .with_for_update(skip_locked=True)
        )
        await self._unit.execute(delete(OutboxRow).where(OutboxRow.id.in_(relayed)))


def _of(subject: Subject) -> ColumnElement[bool]:
    return and_(
        OutboxRow.organization_id == subject.organization_id,
        OutboxRow.task_id == subject.task_id,
        OutboxRow.kind == subject.kind,
    )
