"""``/api/socials/connect-token``: trades a primary token for a ws-connect token."""

from callboard_contracts.accounts import ConnectToken
from callboard_contracts.identity import TICKET_LIFETIME_SECONDS
from callboard_servicekit.app import stopping_of
from callboard_servicekit.openapi import problems
from callboard_servicekit.routing import DirectJsonRoute
from fastapi import APIRouter, Request, Response

from callboard_social.resources import resources_of

router = APIRouter(route_class=DirectJsonRoute, tags=["sockets"], responses=problems(401, 403, 429, 503))


@router.get("/api/socials/connect-token", response_model=ConnectToken)
@router.post("/api/socials/connect-token", response_model=ConnectToken)
async def mint_connect_token(request: Request) -> Response:
    """A token for one connection within ten seconds, for the identity behind the Bearer token or the cookie."""
    stopping_of(request.app).require_not_begun()
    resources = resources_of(request.app)
    identity = await resources.authenticator.identify(request)
    resources.minting.spend(identity.session_id or identity.user_id)
    token = await resources.tickets.mint(identity)
    resources.metrics.tickets_minted.inc()
    answer = ConnectToken(token=token, expires_in=TICKET_LIFETIME_SECONDS)
    headers = {"Cache-Control": "no-store"}
    return Response(answer.model_dump_json(by_alias=True), headers=headers, media_type="application/json")
