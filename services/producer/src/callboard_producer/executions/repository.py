"""Executions in SQL."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from callboard_contracts.executions import Status
from callboard_servicekit import strict_json
from sqlalchemy import Select, and_, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from callboard_producer.executions.execution import Execution
from callboard_producer.executions.lifecycle import State
from callboard_producer.tables import Base, ExecutionRow


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """Newest first; ``next_cursor`` is None at the end."""

    executions: tuple[Execution, ...]
    next_cursor: int | None


# Built once: put together for each call they would cost a fifth of the CPU time of a post.
_IS_OWN = and_(
    ExecutionRow.organization_id == bindparam("own_organization_id"), ExecutionRow.task_id == bindparam("own_task_id")
)
_FIND = select(ExecutionRow).where(_IS_OWN)
_LOCK = _FIND.with_for_update()
_SAVE = update(Base.metadata.tables[ExecutionRow.__tablename__]).where(_IS_OWN)


class ExecutionRepository:
    """What `lock` returns stays as it is until the unit of work ends: posts on one execution take turns."""

    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def find(self, organization_id: str, task_id: str) -> Execution | None:
        return await self._one(_FIND, organization_id, task_id)

    async def lock(self, organization_id: str, task_id: str) -> Execution | None:
        return await self._one(_LOCK, organization_id, task_id)

    async def add(self, execution: Execution) -> bool:
        """Store a new one; False when another unit of work was faster: then `lock` finds that one."""
        values = _values(execution) | {
            "organization_id": execution.organization_id,
            "task_id": execution.task_id,
            "created_at": execution.created_at,
        }
        statement = _insert_if_new(self._unit.get_bind().dialect.name, values)
        return (await self._unit.scalars(statement)).one_or_none() is not None

    async def save(self, execution: Execution) -> None:
        own = {"own_organization_id": execution.organization_id, "own_task_id": execution.task_id}
        await self._unit.execute(_SAVE, _values(execution) | own)

    async def page(
        self, organization_id: str, statuses: Collection[Status], *, limit: int, before: int | None
    ) -> ExecutionPage:
        """The organisation's executions, created before the one that `before` is the cursor of."""
        query = select(ExecutionRow).where(ExecutionRow.organization_id == organization_id)
        if statuses:
            query = query.where(ExecutionRow.status.in_(statuses))
        if before is not None:
            query = query.where(ExecutionRow.id < before)
        rows = list(await self._unit.scalars(query.order_by(ExecutionRow.id.desc()).limit(limit + 1)))
        shown = rows[:limit]
        return ExecutionPage(tuple(map(_execution, shown)), shown[-1].id if len(rows) > limit else None)

    async def _one(self, query: Select[ExecutionRow], organization_id: str, task_id: str) -> Execution | None:
        parameters = {"own_organization_id": organization_id, "own_task_id": task_id}
        row = (await self._unit.scalars(query, parameters)).one_or_none()
        return _execution(row) if row is not None else None


def _insert_if_new(dialect: str, values: dict[str, object]) -> ReturningInsert[int]:
    if dialect == "sqlite":
        return sqlite.insert(ExecutionRow).values(values).on_conflict_do_nothing().returning(ExecutionRow.id)
    return postgresql.insert(ExecutionRow).values(values).on_conflict_do_nothing().returning(ExecutionRow.id)


def _execution(row: ExecutionRow) -> Execution:
    return Execution(
        organization_id=row.organization_id,
        task_id=row.task_id,
        state=State(row.status, row.attempt, row.start_time, row.end_time, json.loads(row.fields)),
        version=row.version,
        log_chunks=row.log_chunks,
        last_line=row.last_line,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _values(execution: Execution) -> dict[str, object]:
    state = execution.state
    return {
        "status": state.status,
        "attempt": state.attempt,
        "start_time": state.start_time,
        "end_time": state.end_time,
        "fields": strict_json.dumps(state.fields),
        "version": execution.version,
        "log_chunks": execution.log_chunks,
        "last_line": execution.last_line,
        "updated_at": execution.updated_at,
    }
