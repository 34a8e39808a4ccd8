"""Posts and creations: what they change, and the event that tells of it, in one unit of work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callboard_contracts.events import EventType
from callboard_contracts.executions import (
    KNOWN_UPDATE_FIELDS,
    MAX_KEPT_BYTES,
    RESERVED_FIELDS,
    ExecutionUpdate,
    Status,
    kept_fields,
)
from callboard_servicekit import strict_json
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_producer.clock import in_utc
from callboard_producer.errors import ExecutionExists, ExecutionNotFound, KeptFieldsTooLarge, StatusNotPostable
from callboard_producer.events import encode_event
from callboard_producer.executions.execution import Execution
from callboard_producer.executions.lifecycle import Post, advance
from callboard_producer.executions.repository import ExecutionRepository
from callboard_producer.outbox import OutboxEvent, OutboxRepository, Subject
from callboard_producer.tables import OutboxKind

MAX_POSTED_BYTES = MAX_KEPT_BYTES + 1024
"""Bound of a body as it is told to others: what is kept, and the known fields in whatever form they came."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A post and the body it came in, without the names that are ours to give."""

    post: Post
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The execution after a call; ``event`` is None when the call changed nothing."""

    execution: Execution
    event: OutboxEvent | None

    @property
    def outcome(self) -> str:
        if self.event is None:
            return "unchanged"
        return "created" if self.execution.version == 1 else "changed"

    @property
    def subject(self) -> Subject:
        return Subject(self.execution.organization_id, self.execution.task_id, OutboxKind.STATUS)


def read_update(update: ExecutionUpdate, body: dict[str, Any]) -> Posted:
    """What an update asks for.

    Raises:
        StatusNotPostable: LOST.
        TimeOutOfRange: a time that does not exist in UTC.
        KeptFieldsTooLarge: the body is over the bound of what is kept and shown.
    """
    if update.status is Status.LOST:
        raise StatusNotPostable
    shown = {name: value for name, value in body.items() if name not in RESERVED_FIELDS - KNOWN_UPDATE_FIELDS}
    if len(strict_json.dumps(shown).encode()) > MAX_POSTED_BYTES:
        raise KeptFieldsTooLarge
    post = Post(
        status=update.status,
        attempt=update.attempt,
        start_time=in_utc(update.start_time) if update.start_time else None,
        end_time=in_utc(update.end_time) if update.end_time else None,
        fields=kept_fields(update),
    )
    return Posted(post, shown)


async def record_post(
    unit: AsyncSession, organization_id: str, task_id: str, posted: Posted, now: datetime
) -> Recorded:
    """Store what a post changes; the execution is made if there is none. Raises as `advance` does."""
    repository = ExecutionRepository(unit)
    current = await repository.lock(organization_id, task_id)
    if current is None:
        made = Execution.first(organization_id, task_id, advance(None, posted.post, now), now)
        if await repository.add(made):
            return await _told(unit, made, posted.body)
        current = await lock_execution(unit, organization_id, task_id)
    state = advance(current.state, posted.post, now)
    if state is current.state:
        return Recorded(current, None)
    changed = current.changed_to(state, now)
    await repository.save(changed)
    return await _told(unit, changed, posted.body)


async def record_creation(
    unit: AsyncSession, organization_id: str, task_id: str, fields: dict[str, Any], now: datetime
) -> Recorded:
    """Store a new execution, PENDING; the same creation again changes nothing.

    Raises:
        ExecutionExists: one with this id is there and differs.
        KeptFieldsTooLarge: the fields are over the bound.
    """
    state = advance(None, Post(Status.PENDING, fields=fields), now)
    made = Execution.first(organization_id, task_id, state, now)
    if await ExecutionRepository(unit).add(made):
        known = {"taskId": task_id, "organizationId": organization_id, "status": Status.PENDING}
        return await _told(unit, made, known | fields)
    current = await lock_execution(unit, organization_id, task_id)
    if not current.state.is_same_as(made.state):
        raise ExecutionExists
    return Recorded(current, None)


async def find_execution(unit: AsyncSession, organization_id: str, task_id: str) -> Execution:
    """Raises `ExecutionNotFound`."""
    execution = await ExecutionRepository(unit).find(organization_id, task_id)
    if execution is None:
        raise ExecutionNotFound
    return execution


async def lock_execution(unit: AsyncSession, organization_id: str, task_id: str) -> Execution:
    """The execution, which nobody else changes until the unit of work ends; raises `ExecutionNotFound`."""
    execution = await ExecutionRepository(unit).lock(organization_id, task_id)
    if execution is None:
        raise ExecutionNotFound
    return execution


async def _told(unit: AsyncSession, execution: Execution, body: dict[str, Any]) -> Recorded:
    recorded = Recorded(execution, None)
    event = OutboxEvent(
        subject=recorded.subject,
        sequence=execution.version,
        body=encode_event(
            EventType.EXECUTION_UPDATED,
            at=execution.updated_at,
            data=execution.to_wire(),
            posted=body | {"attempt": execution.state.attempt, "version": execution.version},
        ),
        attempt=execution.state.attempt,
    )
    await OutboxRepository(unit).add(event)
    return Recorded(execution, event)
