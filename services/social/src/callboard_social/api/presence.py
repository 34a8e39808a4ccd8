"""``/api/socials/presence`` and ``/api/socials/rooms/{id}/presence``: who is here."""

from collections.abc import Sequence

from callboard_contracts.channels import PRESENCE, Channel
from callboard_contracts.presence import PresenceSnapshot, PresentUser
from callboard_contracts.wire import Identifier
from callboard_servicekit.openapi import problems
from callboard_servicekit.routing import StrictJsonRoute
from fastapi import APIRouter, Request, Response

from callboard_social.presence.entry import Present
from callboard_social.resources import resources_of

router = APIRouter(route_class=StrictJsonRoute, tags=["presence"])


@router.get("/api/socials/presence", responses=problems(401, 403, 503))
async def list_present(request: Request, response: Response) -> PresenceSnapshot:
    """Everyone who is connected in the caller's organisation."""
    resources = resources_of(request.app)
    identity = await resources.authenticator.identify(request)
    response.headers["Cache-Control"] = "no-store"
    return _listed(await resources.presence.who(identity.organization_id, PRESENCE))


@router.get("/api/socials/rooms/{room_id}/presence", responses=problems(401, 403, 422, 503))
async def list_present_in_room(room_id: Identifier, request: Request, response: Response) -> PresenceSnapshot:
    """Everyone who is connected and in the room; for its members."""
    resources = resources_of(request.app)
    identity = await resources.authenticator.identify(request)
    await resources.rooms.require_member(identity, room_id)
    response.headers["Cache-Control"] = "no-store"
    return _listed(await resources.presence.who(identity.organization_id, Channel.room(room_id)))


def _listed(present: Sequence[Present]) -> PresenceSnapshot:
    return PresenceSnapshot(users=tuple(PresentUser(user_id=user.user_id, login=user.login) for user in present))
