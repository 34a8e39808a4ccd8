"""The worker's credential: a long-lived API token, traded for a JWT of 15 minutes and renewed before that ends."""

import asyncio
from dataclasses import dataclass

from callboard_contracts.accounts import AgentSession

from callboard_worker.sdk.gateway import Gateway, read

RENEW_BEFORE_SECONDS = 60.0
RENEW_BEFORE_SHARE = 0.1
"""Renewed this long before its end, or in the last tenth of a short life, whichever is less."""


@dataclass(frozen=True, slots=True)
class _Held:
    session: AgentSession
    renew_at: float


class Credential:
    """Holds the current JWT. However many calls wait for one, there is one exchange at a time."""

    def __init__(self, gateway: Gateway, api_token: str) -> None:
        self._gateway = gateway
        self._api_token = api_token
        self._held: _Held | None = None
        self._exchange = asyncio.Lock()

    async def session(self) -> AgentSession:
        """The session, exchanged anew when it is about to run out. Raises NotAuthenticated, GatewayUnreachable."""
        async with self._exchange:
            if self._held is None or self._gateway.options.timing.monotonic() >= self._held.renew_at:
                self._held = await self._trade()
            return self._held.session

    def discard(self, token: str | None = None) -> None:
        """Forget the JWT: this one only, so that a late 401 does not throw away its successor; None is whichever."""
        if self._held is not None and token in {None, self._held.session.token}:
            self._held = None

    async def _trade(self) -> _Held:
        # Before the call, since the token's life began somewhere during it.
        asked_at = self._gateway.options.timing.monotonic()
        response = await self._gateway.call("POST", "/auth/api/v1/sessions", body={"token": self._api_token})
        session = read(response, AgentSession)
        margin = min(RENEW_BEFORE_SECONDS, session.expires_in * RENEW_BEFORE_SHARE)
        return _Held(session, asked_at + session.expires_in - margin)
