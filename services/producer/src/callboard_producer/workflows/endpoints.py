"""``/workflows``: what agents are at."""

from typing import Annotated

from callboard_contracts.wire import Identifier
from callboard_contracts.workflows import AgentEventBroadcasted, AgentEventPost
from callboard_servicekit.openapi import problems
from fastapi import APIRouter, Path

from callboard_producer.access import IdentifiedJsonRoute, Writer
from callboard_producer.metrics import refusals_counted
from callboard_producer.resources import CurrentResources

WorkflowId = Annotated[Identifier, Path()]

router = APIRouter(route_class=IdentifiedJsonRoute, tags=["workflows"])


@router.post("/workflows/{workflow_id}/events", responses=problems(400, 401, 403, 409, 413, 422, 503))
async def post_event(
    workflow_id: WorkflowId, body: AgentEventPost, identity: Writer, resources: CurrentResources
) -> AgentEventBroadcasted:
    """Tell everybody who follows the workflow, and all who follow every one. The same ``id`` again changes nothing."""
    counter = resources.metrics.workflow_events
    with refusals_counted(counter):
        told = await resources.workflows.tell(identity.organization_id, workflow_id, body, resources.clock())
    counter.labels("repeated" if told.is_repeat else "published").inc()
    return AgentEventBroadcasted(position=str(told.position), id=told.id)
