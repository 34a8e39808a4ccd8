"""The audit log over HTTP, for owners and admins."""

from typing import Annotated
from urllib.parse import urlencode

from callboard_contracts import accounts as wire
from callboard_servicekit.openapi import problems
from callboard_servicekit.routing import SmallJsonRoute
from fastapi import APIRouter, Query, Response

from callboard_auth.access import Administrator
from callboard_auth.audit.event import StoredEvent
from callboard_auth.audit.repository import AuditRepository
from callboard_auth.resources import CurrentResources

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR = 2**63 - 1

router = APIRouter(route_class=SmallJsonRoute, tags=["audit"])


@router.get("/api/audit", responses=problems(401, 403, 422, 503))
async def list_events(
    response: Response,
    administrator: Administrator,
    resources: CurrentResources,
    *,
    action: Annotated[wire.AuditAction | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_CURSOR)] = None,
) -> wire.AuditEventList:
    """Who did what in the organisation, newest first; ``Link`` leads to the next page."""
    async with resources.database.read() as unit:
        page = await AuditRepository(unit).page(administrator.organization_id, action, limit=limit, before=cursor)
    response.headers["Cache-Control"] = "no-store"
    if page.next_cursor is not None:
        filters = {} if action is None else {"action": action.value}
        query = urlencode({"cursor": page.next_cursor, "limit": limit} | filters)
        response.headers["Link"] = f'<?{query}>; rel="next"'
    return wire.AuditEventList(events=tuple(map(_shown, page.events)))


def _shown(stored: StoredEvent) -> wire.AuditEvent:
    event = stored.event
    return wire.AuditEvent(
        id=str(stored.id),
        at=event.at,
        action=event.action,
        actor=wire.AuditActor(kind=event.actor.kind, id=event.actor.id, login=event.actor.login),
        subject=wire.AuditSubject(kind=event.subject.kind, id=event.subject.id, name=event.subject.name),
        details=dict(event.details),
        request_id=stored.request_id,
    )
