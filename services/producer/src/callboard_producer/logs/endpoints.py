"""``/executions/{taskId}/logs``: append by line number, read by line number."""

from typing import Annotated

from callboard_contracts.executions import MAX_ATTEMPT, MAX_LINE_NUMBER, LogAppended, LogChunk, LogPage
from callboard_contracts.positions import Position
from callboard_servicekit.openapi import problems
from fastapi import APIRouter, Query

from callboard_producer.access import IdentifiedLogJsonRoute, Reader, Writer
from callboard_producer.executions.endpoints import TaskId
from callboard_producer.logs.service import append_lines, check_size, read_page
from callboard_producer.metrics import refusals_counted
from callboard_producer.resources import CurrentResources

MAX_LIMIT = 1_000

router = APIRouter(
    route_class=IdentifiedLogJsonRoute, tags=["logs"], responses=problems(400, 401, 403, 404, 413, 422, 503)
)


@router.post("/executions/{task_id}/logs", responses=problems(409))
async def append_log(task_id: TaskId, body: LogChunk, identity: Writer, resources: CurrentResources) -> LogAppended:
    """Store lines, tell who follows them. The same lines again change nothing."""
    metrics = resources.metrics
    with refusals_counted(metrics.log_appends):
        check_size(body)
        async with resources.database.write() as unit:
            appended = await append_lines(unit, identity.organization_id, task_id, body, resources.clock())
        await resources.outbox.relay(appended.subject, appended.execution.log_chunks, appended.event)
    metrics.log_appends.labels(appended.outcome).inc()
    metrics.log_lines.inc(appended.new_lines)
    metrics.log_bytes.inc(sum(len(line.encode()) for line in body.lines[len(body.lines) - appended.new_lines :]))
    position = Position(str(appended.attempt), appended.last_line)
    return LogAppended(attempt=appended.attempt, last_line=appended.last_line, position=str(position))


@router.get("/executions/{task_id}/logs")
async def read_log(
    task_id: TaskId,
    identity: Reader,
    resources: CurrentResources,
    *,
    attempt: Annotated[int | None, Query(ge=1, le=MAX_ATTEMPT)] = None,
    after: Annotated[int, Query(ge=0, le=MAX_LINE_NUMBER)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
) -> LogPage:
    """Stored lines after a line number, by default of the current attempt."""
    async with resources.database.read() as unit:
        return await read_page(unit, identity.organization_id, task_id, attempt, after=after, limit=limit)
