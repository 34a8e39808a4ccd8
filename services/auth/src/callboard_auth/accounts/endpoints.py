"""Sign-up, and who is behind a call."""

from http import HTTPStatus

import structlog
from callboard_contracts.accounts import DirectusMe, DirectusUser, Me, Session, SignUp
from callboard_servicekit.authentication import require_allowed_origin
from callboard_servicekit.errors import ServiceError
from callboard_servicekit.openapi import problems
from callboard_servicekit.routing import SmallJsonRoute
from fastapi import APIRouter, Request, Response

from callboard_auth.access import CurrentIdentity
from callboard_auth.accounts.service import describe, sign_up
from callboard_auth.errors import SignUpClosed
from callboard_auth.metrics import SUCCESS
from callboard_auth.resources import CurrentResources, Resources
from callboard_auth.sessions.answer import answer_session
from callboard_auth.sessions.service import OpenSession, open_session

log = structlog.get_logger(__name__)
router = APIRouter(route_class=SmallJsonRoute, tags=["accounts"])


@router.post("/api/signup", status_code=HTTPStatus.CREATED, responses=problems(400, 403, 409, 422, 503))
async def create_account(body: SignUp, request: Request, response: Response, resources: CurrentResources) -> Session:
    """Make a user and an organisation that the user owns, and open a session."""
    require_allowed_origin(request, resources.authenticator.origins, needs_proof=False)
    try:
        opened = await _sign_up(body, resources)
    except ServiceError as error:
        resources.metrics.sign_ups.labels(error.code).inc()
        raise
    resources.metrics.sign_ups.labels(SUCCESS).inc()
    log.info("signed_up", user_id=opened.account.user_id, organization_id=opened.account.organization_id)
    return answer_session(resources, response, opened, opened.session.created_at)


async def _sign_up(body: SignUp, resources: Resources) -> OpenSession:
    if resources.settings.signup == "closed":
        raise SignUpClosed
    password_hash = await resources.passwords.hash(body.password)
    now = resources.clock()
    async with resources.database.write() as unit:
        account = await sign_up(unit, body, password_hash, now)
        return await open_session(unit, account, resources.settings.session_lifetime, now)


@router.get("/api/users/me", responses=problems(401, 403, 503))
async def me(identity: CurrentIdentity, resources: CurrentResources) -> Me:
    """The identity behind the cookie or the Bearer token."""
    async with resources.database.read() as unit:
        return await describe(unit, identity)


@router.get("/users/me", responses=problems(401, 403, 503))
async def directus_me(identity: CurrentIdentity, resources: CurrentResources) -> DirectusMe:
    """The same in the shape that clients of Directus expect."""
    async with resources.database.read() as unit:
        user = (await describe(unit, identity)).user
    return DirectusMe(data=DirectusUser(id=user.id, email=user.email, role=user.role))
