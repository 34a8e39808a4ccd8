"""The public keys, for everybody who verifies primary tokens."""

import hashlib
from http import HTTPStatus

from callboard_servicekit import strict_json
from callboard_servicekit.routing import SmallJsonRoute
from fastapi import APIRouter, Request, Response

from callboard_auth.resources import CurrentResources

router = APIRouter(route_class=SmallJsonRoute, tags=["keys"])

CACHE_SECONDS = 300


@router.get("/.well-known/jwks.json", responses={304: {"description": "Not Modified"}})
async def key_set(request: Request, resources: CurrentResources) -> Response:
    """A JSON Web Key Set (RFC 7517); empty when tokens are signed with a shared secret."""
    body = strict_json.dumps(resources.signer.key_set).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={CACHE_SECONDS}", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
