"""The outbox in SQL: events that are committed and not known to be relayed.

A row is written in the transaction of the change it tells of, under the lock of its execution, and deleted only after
Redis has acknowledged it. So the first row that is left of an execution's sequence is its base: whatever came before
it has been relayed.
"""

from dataclasses import dataclass

from sqlalchemy import and_, bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_producer.tables import Base, OutboxKind, OutboxRow


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


# Built once: put together for each call they would cost a fifth of the CPU time of a post.
_ADD = insert(Base.metadata.tables[OutboxRow.__tablename__])
_OF_SUBJECT = and_(
    OutboxRow.organization_id == bindparam("organization_id"),
    OutboxRow.task_id == bindparam("task_id"),
    OutboxRow.kind == bindparam("kind"),
    OutboxRow.sequence <= bindparam("until"),
)
_PENDING = (
    select(OutboxRow)
    .where(_OF_SUBJECT, OutboxRow.sequence > bindparam("after"))
    .order_by(OutboxRow.sequence)
    .limit(bindparam("limit"))
)
_FORGET = (
    delete(OutboxRow)
    .where(
        OutboxRow.id.in_(
            select(OutboxRow.id).where(_OF_SUBJECT).order_by(OutboxRow.sequence).with_for_update(skip_locked=True)
        )
    )
    .execution_options(synchronize_session=False)
)


class OutboxRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, event: OutboxEvent) -> None:
        values = {
            "sequence": event.sequence,
            "body": event.body,
            "attempt": event.attempt,
            "last_line": event.last_line,
        }
        await self._unit.execute(_ADD, _parameters(event.subject) | values)

    async def pending(self, subject: Subject, *, after: int, until: int, limit: int) -> list[OutboxEvent]:
        """Events with ``after < sequence <= until``, in order."""
        parameters = _parameters(subject) | {"after": after, "until": until, "limit": limit}
        return [
            OutboxEvent(subject, row.sequence, row.body, row.attempt, row.last_line)
            for row in await self._unit.scalars(_PENDING, parameters)
        ]

    async def backlog(self) -> tuple[int, str | None]:
        """How many events there are, of all sequences, and the body of the oldest."""
        count = await self._unit.scalar(select(func.count()).select_from(OutboxRow))
        oldest = await self._unit.scalar(select(OutboxRow.body).order_by(OutboxRow.id).limit(1))
        return count or 0, oldest

    async def forget(self, subject: Subject, *, until: int) -> None:
        """Delete events up to a sequence number; rows that another replica is deleting are left to it."""
        await self._unit.execute(_FORGET, _parameters(subject) | {"until": until})


def _parameters(subject: Subject) -> dict[str, object]:
    return {"organization_id": subject.organization_id, "task_id": subject.task_id, "kind": subject.kind}
