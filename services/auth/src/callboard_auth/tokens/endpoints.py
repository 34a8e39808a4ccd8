"""API tokens over HTTP. Administrators manage them; whoever holds one may exchange it."""

from http import HTTPStatus
from typing import Annotated

import structlog
from callboard_contracts import accounts as wire
from callboard_servicekit.authentication import bearer_token
from callboard_servicekit.errors import TooManyRequests
from callboard_servicekit.openapi import problems
from callboard_servicekit.routing import SmallJsonRoute
from fastapi import APIRouter, Path, Request, Response

from callboard_auth.access import Administrator
from callboard_auth.errors import InvalidApiToken, Overloaded
from callboard_auth.metrics import SUCCESS
from callboard_auth.resources import CurrentResources
from callboard_auth.tokens.api_token import ApiToken
from callboard_auth.tokens.exchange import redeem
from callboard_auth.tokens.repository import ApiTokenRepository, StoredApiToken
from callboard_auth.tokens.service import checked_expiry, create_token, revoke_token, rotate_token

log = structlog.get_logger(__name__)
router = APIRouter(route_class=SmallJsonRoute, tags=["api tokens"])

TokenId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


@router.post("/api/v1/tokens", status_code=HTTPStatus.CREATED, responses=problems(400, 401, 403, 422, 503))
async def create(
    body: wire.ApiTokenCreate, response: Response, administrator: Administrator, resources: CurrentResources
) -> wire.ApiTokenCreated:
    """Make an API token for the organisation. The token is shown this once."""
    now = resources.clock()
    expires_at = checked_expiry(body.expires_at, now)
    token = ApiToken.new()
    secret_hash = await resources.api_token_secrets.hash(token.secret)
    async with resources.database.write() as unit:
        stored = await create_token(
            unit,
            token,
            administrator,
            name=body.name,
            secret_hash=secret_hash,
            expires_at=expires_at,
            now=now,
        )
    resources.metrics.api_tokens_created.inc()
    log.info("api_token_created", api_token_id=stored.id, user_id=administrator.user_id)
    response.headers["Cache-Control"] = "no-store"
    return wire.ApiTokenCreated(**dict(_shown(stored)), token=token.reveal())


@router.get("/api/v1/tokens", responses=problems(401, 403, 503))
async def list_all(administrator: Administrator, resources: CurrentResources) -> wire.ApiTokenList:
    """The organisation's tokens that are not revoked, oldest first."""
    async with resources.database.read() as unit:
        stored = await ApiTokenRepository(unit).list_unrevoked(administrator.organization_id)
    return wire.ApiTokenList(tokens=tuple(_shown(token) for token in stored))


@router.post(
    "/api/v1/tokens/{token_id}/rotate",
    status_code=HTTPStatus.CREATED,
    responses=problems(400, 401, 403, 404, 409, 422, 503),
)
async def rotate(
    token_id: TokenId,
    response: Response,
    administrator: Administrator,
    resources: CurrentResources,
    body: wire.ApiTokenRotate | None = None,
) -> wire.ApiTokenRotated:
    """Replace a token: a new one for the same agent, shown this once; the old one works until the overlap is over.

    Without an overlap the old one has ended everywhere by the time of the answer. When the answer is lost, the same
    call is 409 with the successor's id, which can be rotated in its turn.
    """
    wish = body if body is not None else wire.ApiTokenRotate()
    has_overlap = wish.overlap_seconds > 0
    if not has_overlap:
        # Asked before anything is changed: a 503 after the commit would cost the caller both tokens.
        await resources.publisher.require_redis()
    successor = ApiToken.new()
    secret_hash = await resources.api_token_secrets.hash(successor.secret)
    async with resources.database.write() as unit:
        rotation = await rotate_token(
            unit, token_id, successor, administrator, wish, secret_hash=secret_hash, now=resources.clock()
        )
    resources.metrics.api_tokens_created.inc()
    log.info("api_token_rotated", api_token_id=token_id, user_id=administrator.user_id, replaced_by=successor.id)
    if not has_overlap:
        resources.metrics.api_tokens_ended.labels("rotated").inc()
        await resources.publisher.publish_pending(token_id)
    response.headers["Cache-Control"] = "no-store"
    return wire.ApiTokenRotated(
        **dict(_shown(rotation.token)),
        token=successor.reveal(),
        replaces=wire.ReplacedApiToken(id=rotation.old_id, expires_at=rotation.old_ends_at),
    )


@router.delete(
    "/api/v1/tokens/{token_id}", status_code=HTTPStatus.NO_CONTENT, responses=problems(401, 403, 404, 422, 503)
)
async def revoke(token_id: TokenId, administrator: Administrator, resources: CurrentResources) -> Response:
    """Revoke a token; 204 once every service has been told. After a 503, the same call again finishes it."""
    async with resources.database.write() as unit:
        revoked = await revoke_token(unit, token_id, administrator, resources.clock())
    resources.metrics.api_tokens_ended.labels("revoked").inc(int(revoked))
    await resources.publisher.publish_pending(token_id)
    log.info("api_token_revoked", api_token_id=token_id, user_id=administrator.user_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/api/v1/sessions", responses=problems(400, 401, 422, 429, 503))
async def exchange(
    request: Request,
    response: Response,
    resources: CurrentResources,
    body: wire.AgentSessionCreate | None = None,
) -> wire.AgentSession:
    """Trade an API token, from the body or as a Bearer token, for a primary token."""
    text = body.token if body is not None else bearer_token(request)
    now = resources.clock()
    try:
        stored = await redeem(resources.database, resources.api_token_secrets, text or "", now)
    except (InvalidApiToken, TooManyRequests, Overloaded) as error:
        resources.metrics.exchanges.labels(error.code).inc()
        raise
    issued = resources.issuer.issue_for_api_token(stored, now)
    resources.metrics.exchanges.labels(SUCCESS).inc()
    response.headers["Cache-Control"] = "no-store"
    return wire.AgentSession(
        token=issued.token,
        expires_in=issued.expires_in,
        agent=wire.Agent(id=stored.agent_id, name=stored.name),
        organization=stored.organization(),
    )


def _shown(token: StoredApiToken) -> wire.ApiToken:
    return wire.ApiToken(
        id=token.id,
        agent_id=token.agent_id,
        name=token.name,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        replaced_by=token.replaced_by,
    )
