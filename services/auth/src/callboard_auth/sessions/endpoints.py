"""Login, refresh, logout."""

from datetime import datetime
from http import HTTPStatus

import structlog
from callboard_contracts.accounts import LogIn, Session
from callboard_contracts.identity import Identity, IdentityKind
from callboard_servicekit.authentication import bearer_token, require_allowed_origin
from callboard_servicekit.errors import NotAuthenticated
from callboard_servicekit.openapi import problems
from callboard_servicekit.routing import SmallJsonRoute
from callboard_servicekit.token_verifier import InvalidToken
from fastapi import APIRouter, Request, Response

from callboard_auth.accounts.service import authenticate
from callboard_auth.errors import AgentNotAllowed, InvalidCredentials, InvalidRefreshToken, Overloaded
from callboard_auth.metrics import SUCCESS
from callboard_auth.resources import CurrentResources, Resources
from callboard_auth.sessions.answer import answer_session
from callboard_auth.sessions.cookies import clear_cookies
from callboard_auth.sessions.refresh_token import token_hash
from callboard_auth.sessions.repository import SessionRepository
from callboard_auth.sessions.service import OpenSession, ReusedToken, end_session, open_session, refresh

log = structlog.get_logger(__name__)
router = APIRouter(route_class=SmallJsonRoute, tags=["sessions"])


@router.post("/api/login", responses=problems(400, 401, 403, 422, 503))
async def log_in(body: LogIn, request: Request, response: Response, resources: CurrentResources) -> Session:
    """Open a session with a login name or an e-mail address and a password."""
    require_allowed_origin(request, resources.authenticator.origins, needs_proof=False)
    try:
        account = await authenticate(resources.database, resources.passwords, body)
    except (InvalidCredentials, Overloaded) as error:
        resources.metrics.logins.labels(error.code).inc()
        raise
    now = resources.clock()
    async with resources.database.write() as unit:
        opened = await open_session(unit, account, resources.settings.session_lifetime, now)
    resources.metrics.logins.labels(SUCCESS).inc()
    log.info("logged_in", user_id=account.user_id, session_id=opened.session.id)
    return answer_session(resources, response, opened, now)


@router.post("/api/refresh", responses=problems(401, 403, 503))
async def refresh_session(request: Request, response: Response, resources: CurrentResources) -> Session:
    """Trade the refresh cookie for its successor and a new primary token."""
    token = request.cookies.get(resources.authenticator.cookies.refresh)
    if not token:
        raise NotAuthenticated
    require_allowed_origin(request, resources.authenticator.origins, needs_proof=True)
    now = resources.clock()
    outcome = await _refresh(resources, token, now)
    if isinstance(outcome, ReusedToken):
        resources.metrics.refreshes.labels("reused").inc()
        resources.metrics.sessions_ended.labels("reused").inc()
        log.warning("refresh_token_reused", session_id=outcome.session_id)
        await resources.publisher.try_publish(outcome.session_id)
        raise InvalidRefreshToken
    resources.metrics.refreshes.labels(SUCCESS).inc()
    return answer_session(resources, response, outcome, now)


async def _refresh(resources: Resources, token: str, now: datetime) -> OpenSession | ReusedToken:
    try:
        async with resources.database.write() as unit:
            return await refresh(unit, token, now)
    except InvalidRefreshToken as error:
        resources.metrics.refreshes.labels(error.code).inc()
        raise


@router.post("/api/logout", status_code=HTTPStatus.NO_CONTENT, responses=problems(401, 403, 503))
async def log_out(request: Request, resources: CurrentResources) -> Response:
    """End the session; 204 once every service has been told. After a 503, the same call again finishes it."""
    session_id = await _session_to_end(request, resources)
    async with resources.database.write() as unit:
        ended = await end_session(unit, session_id, resources.clock())
    resources.metrics.sessions_ended.labels("logout").inc(int(ended))
    await resources.publisher.publish_pending(session_id)
    log.info("logged_out", session_id=session_id)
    response = Response(status_code=HTTPStatus.NO_CONTENT)
    clear_cookies(response, resources.authenticator.cookies)
    return response


async def _session_to_end(request: Request, resources: Resources) -> str:
    """The session that the credential belongs to, also when it has ended already."""
    token = bearer_token(request)
    if token is not None:
        return await _session_of(token, resources)
    names = resources.authenticator.cookies
    if names.primary not in request.cookies and names.refresh not in request.cookies:
        raise NotAuthenticated
    require_allowed_origin(request, resources.authenticator.origins, needs_proof=True)
    try:
        return await _session_of(request.cookies.get(names.primary, ""), resources)
    except InvalidToken:
        async with resources.database.read() as unit:
            refresh_hash = token_hash(request.cookies.get(names.refresh, ""))
            session = await SessionRepository(unit).find_by_refresh_token(refresh_hash)
    if session is None:
        raise InvalidToken
    return session.id


async def _session_of(token: str, resources: Resources) -> str:
    identity = Identity.from_primary(await resources.authenticator.verifier.verify(token))
    if identity.kind is IdentityKind.AGENT:
        raise AgentNotAllowed
    if identity.session_id is None:
        raise InvalidToken
    return identity.session_id
