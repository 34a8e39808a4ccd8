"""The audit log in SQL."""

from dataclasses import dataclass
from datetime import datetime

from callboard_contracts.accounts import AuditAction
from callboard_servicekit.request_context import current_request_id
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.audit.event import Actor, Event, StoredEvent, Subject
from callboard_auth.tables import AuditEventRow


@dataclass(frozen=True, slots=True)
class EventPage:
    """Newest first; ``next_cursor`` is None at the end."""

    events: tuple[StoredEvent, ...]
    next_cursor: int | None


class AuditRepository:
    """An event is written in the unit of work of the change that it tells of: there is never one without the other."""

    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, event: Event) -> None:
        """Store an event, with the id of the request that this runs for."""
        self._unit.add(
            AuditEventRow(
                organization_id=event.organization_id,
                at=event.at,
                action=event.action,
                actor_kind=event.actor.kind,
                actor_id=event.actor.id,
                actor_login=event.actor.login,
                subject_kind=event.subject.kind,
                subject_id=event.subject.id,
                subject_name=event.subject.name,
                details=dict(event.details),
                request_id=current_request_id() or None,
            )
        )
        await self._unit.flush()

    async def page(
        self, organization_id: str, action: AuditAction | None, *, limit: int, before: int | None
    ) -> EventPage:
        """The organisation's events, written before the one that `before` is the cursor of."""
        query = select(AuditEventRow).where(AuditEventRow.organization_id == organization_id)
        if action is not None:
            query = query.where(AuditEventRow.action == action)
        if before is not None:
            query = query.where(AuditEventRow.id < before)
        rows = list(await self._unit.scalars(query.order_by(AuditEventRow.id.desc()).limit(limit + 1)))
        shown = rows[:limit]
        return EventPage(tuple(map(_stored, shown)), shown[-1].id if len(rows) > limit else None)

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` events of before this moment; gives how many."""
        old = select(AuditEventRow.id).where(AuditEventRow.at < before).order_by(AuditEventRow.at).limit(limit)
        forgotten = delete(AuditEventRow).where(AuditEventRow.id.in_(old)).returning(AuditEventRow.id)
        return len((await self._unit.scalars(forgotten)).all())


def _stored(row: AuditEventRow) -> StoredEvent:
    event = Event(
        organization_id=row.organization_id,
        at=row.at,
        action=row.action,
        actor=Actor(row.actor_kind, row.actor_id, row.actor_login),
        subject=Subject(row.subject_kind, row.subject_id, row.subject_name),
        details=row.details,
    )
    return StoredEvent(row.id, event, row.request_id)
