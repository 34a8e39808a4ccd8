"""What a person does with login and password: make, list, rotate and revoke the API tokens that workers use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from urllib.parse import quote

from callboard_contracts.accounts import (
    ApiToken,
    ApiTokenCreate,
    ApiTokenCreated,
    ApiTokenList,
    ApiTokenRotate,
    ApiTokenRotated,
    Session,
)

from callboard_worker.sdk.errors import CallboardError
from callboard_worker.sdk.gateway import Gateway, GatewayOptions, read

_TOKENS = "/auth/api/v1/tokens"


class Account:
    """A person's session at the gateway; see `signed_in`."""

    def __init__(self, gateway: Gateway, session: Session) -> None:
        self._gateway = gateway
        self._bearer = session.token

    async def create_token(self, name: str, expires_at: datetime | None) -> ApiTokenCreated:
        """A new API token. Sent once, since a resend could leave a second token behind that nobody knows."""
        create = ApiTokenCreate(name=name, expires_at=expires_at)
        body = create.model_dump(mode="json", by_alias=True, exclude_none=True)
        response = await self._gateway.call("POST", _TOKENS, bearer=self._bearer, body=body, resend=False)
        return read(response, ApiTokenCreated)

    async def tokens(self) -> tuple[ApiToken, ...]:
        """The organisation's tokens, without their secrets."""
        return read(await self._gateway.call("GET", _TOKENS, bearer=self._bearer), ApiTokenList).tokens

    async def rotate_token(self, token_id: str, overlap: timedelta, expires_at: datetime | None) -> ApiTokenRotated:
        """A new token for the same agent; without `expires_at` it expires when the old one would have.

        Sent once: when its answer is lost, the next call says which token to rotate instead. Raises NotFound, Conflict.
        """
        rotate = ApiTokenRotate(overlap_seconds=int(overlap.total_seconds()), expires_at=expires_at)
        body = rotate.model_dump(mode="json", by_alias=True, exclude_none=True)
        path = f"{_path(token_id)}/rotate"
        return read(
            await self._gateway.call("POST", path, bearer=self._bearer, body=body, resend=False), ApiTokenRotated
        )

    async def revoke_token(self, token_id: str) -> None:
        """End a token; what holds it is disconnected. Raises NotFound."""
        await self._gateway.call("DELETE", _path(token_id), bearer=self._bearer)


def _path(token_id: str) -> str:
    return f"{_TOKENS}/{quote(token_id, safe='')}"


@asynccontextmanager
async def signed_in(url: str, login: str, password: str, options: GatewayOptions) -> AsyncIterator[Account]:
    """Log in for the block, and out after it. Raises NotAuthenticated for a login or password that is wrong."""
    gateway = Gateway(url, options)
    try:
        # Not as a LogIn: its error would show the password.
        body = {"login": login, "password": password}
        session = read(await gateway.call("POST", "/auth/api/login", body=body), Session)
        try:
            yield Account(gateway, session)
        finally:
            # A courtesy: the session ends by itself too, and what was asked for is done.
            with suppress(CallboardError):
                await gateway.call("POST", "/auth/api/logout", bearer=session.token)
    finally:
        await gateway.aclose()
