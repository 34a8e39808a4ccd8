"""``/executions``: what workers report, and what a dashboard lists."""

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

from callboard_contracts.executions import (
    Broadcasted,
    Execution,
    ExecutionCreate,
    ExecutionUpdate,
    Status,
    kept_fields,
)
from callboard_contracts.positions import Position
from callboard_contracts.wire import Identifier
from callboard_servicekit import strict_json
from callboard_servicekit.openapi import problems
from fastapi import APIRouter, Path, Query, Request, Response

from callboard_producer.access import IdentifiedJsonRoute, Reader, Writer, require_own_organization
from callboard_producer.executions.repository import ExecutionRepository
from callboard_producer.executions.service import (
    Recorded,
    find_execution,
    read_update,
    record_creation,
    record_post,
)
from callboard_producer.metrics import refusals_counted
from callboard_producer.resources import CurrentResources, Resources

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR = 2**63 - 1

TaskId = Annotated[Identifier, Path()]
router = APIRouter(
    route_class=IdentifiedJsonRoute, tags=["executions"], responses=problems(400, 401, 403, 413, 422, 503)
)


@router.post("/executions/update", responses=problems(409))
async def update_execution(
    body: ExecutionUpdate, request: Request, identity: Writer, resources: CurrentResources
) -> Broadcasted:
    """Store a status, tell everyone of the organisation. The same post again changes nothing."""
    require_own_organization(identity, body.organization_id)
    with refusals_counted(resources.metrics.updates):
        posted = read_update(body, await request.json())
        async with resources.database.write() as unit:
            recorded = await record_post(unit, identity.organization_id, body.task_id, posted, resources.clock())
        position = await _relay(resources, recorded)
    return Broadcasted(position=str(position))


@router.post("/executions", status_code=HTTPStatus.CREATED, response_model=Execution, responses=problems(409))
async def create_execution(body: ExecutionCreate, identity: Writer, resources: CurrentResources) -> Response:
    """Make an execution, PENDING: 201, or 200 when this very one has been made before."""
    extra = body.model_extra or {}
    require_own_organization(identity, extra.get("organizationId", identity.organization_id))
    task_id = body.task_id or uuid4().hex
    with refusals_counted(resources.metrics.updates):
        async with resources.database.write() as unit:
            recorded = await record_creation(
                unit, identity.organization_id, task_id, kept_fields(body), resources.clock()
            )
        await _relay(resources, recorded)
    status = HTTPStatus.OK if recorded.event is None else HTTPStatus.CREATED
    return _json(recorded.execution.to_wire(), status=status)


@router.get("/executions", response_model=list[Execution])
async def list_executions(
    identity: Reader,
    resources: CurrentResources,
    status: Annotated[list[Status], Query(max_length=len(Status))] = [],  # noqa: B006 - FastAPI copies it
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_CURSOR)] = None,
) -> Response:
    """The organisation's executions, newest first; ``Link`` leads to the next page, ``X-Position`` to what follows."""
    # Taken first: what changes between the two is in the rows and comes again, instead of being in neither.
    position = await resources.outbox.position(identity.organization_id)
    async with resources.database.read() as unit:
        page = await ExecutionRepository(unit).page(identity.organization_id, status, limit=limit, before=cursor)
    response = _json([execution.to_wire() for execution in page.executions], position=position)
    if page.next_cursor is not None:
        query = urlencode([("cursor", page.next_cursor), ("limit", limit), *(("status", name) for name in status)])
        response.headers["Link"] = f'<?{query}>; rel="next"'
    return response


@router.get("/executions/{task_id}", response_model=Execution, responses=problems(404))
async def show_execution(task_id: TaskId, identity: Reader, resources: CurrentResources) -> Response:
    """One execution, and in ``X-Position`` where to go on listening."""
    position = await resources.outbox.position(identity.organization_id)
    async with resources.database.read() as unit:
        execution = await find_execution(unit, identity.organization_id, task_id)
    return _json(execution.to_wire(), position=position)


async def _relay(resources: Resources, recorded: Recorded) -> Position:
    """The position at which the organisation has heard of this version of the execution."""
    execution = recorded.execution
    position = await resources.outbox.relay(recorded.subject, execution.version, recorded.event)
    if position is None:
        position = await resources.outbox.position(execution.organization_id)
    resources.metrics.updates.labels(recorded.outcome).inc()
    return position


def _json(value: Any, *, status: HTTPStatus = HTTPStatus.OK, position: Position | None = None) -> Response:
    headers = {"X-Position": str(position)} if position is not None else {}
    return Response(strict_json.dumps(value), status, headers, media_type="application/json")
