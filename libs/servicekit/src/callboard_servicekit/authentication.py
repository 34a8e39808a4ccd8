"""From a call to the identity behind it: a Bearer token or the cookie, verified, and not revoked.

A cookie rides along whoever causes the call, so a call on a cookie must also come from an allowed origin.
"""

from dataclasses import dataclass
from typing import Protocol

from callboard_contracts.identity import Identity
from starlette.requests import HTTPConnection

from callboard_servicekit.errors import NotAuthenticated, OriginRefused
from callboard_servicekit.origins import Origins
from callboard_servicekit.settings import ServiceSettings
from callboard_servicekit.token_verifier import InvalidToken, TokenVerifier

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PRIMARY_COOKIE = "auth_token"
REFRESH_COOKIE = "refresh_token"


@dataclass(frozen=True, slots=True)
class CookieNames:
    """With an https public URL only the ``__Host-`` names count: a sibling domain cannot set those."""

    primary: str
    refresh: str
    is_secure: bool

    @classmethod
    def of(cls, settings: ServiceSettings) -> "CookieNames":
        is_secure = settings.public_url.startswith("https://")
        prefix = "__Host-" if is_secure else ""
        return cls(prefix + PRIMARY_COOKIE, prefix + REFRESH_COOKIE, is_secure)


class RevocationCheck(Protocol):
    async def is_revoked(self, identity: Identity) -> bool: ...


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token of ``Authorization: Bearer``, or None; another scheme is none of ours."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def require_allowed_origin(connection: HTTPConnection, origins: Origins, *, needs_proof: bool) -> None:
    """Refuse a call that another site may have caused.

    Args:
        connection: the call.
        origins: who is allowed.
        needs_proof: refuse too when neither ``Origin`` nor ``Sec-Fetch-Site`` tells where the call comes from.

    Raises:
        OriginRefused: an ``Origin`` that is not allowed, or none and a ``Sec-Fetch-Site`` from elsewhere.
    """
    named = connection.headers.getlist("origin")
    if named:
        if not all(origins.allows(origin) for origin in named):
            raise OriginRefused
        return
    site = connection.headers.get("sec-fetch-site")
    if site not in {None, "same-origin"} or (site is None and needs_proof):
        raise OriginRefused


class Authenticator:
    """Finds and checks the identity behind an HTTP call."""

    def __init__(
        self,
        verifier: TokenVerifier,
        revocations: RevocationCheck,
        origins: Origins,
        cookies: CookieNames,
    ) -> None:
        self.verifier = verifier
        self.origins = origins
        self.cookies = cookies
        self._revocations = revocations

    async def identify(self, connection: HTTPConnection) -> Identity:
        """The identity behind a call.

        Raises:
            NotAuthenticated: no credential, or one that is not valid now.
            OriginRefused: the credential is a cookie and another site may have caused the call.
            Unavailable: it cannot be told now.
        """
        token = bearer_token(connection)
        if token is None:
            token = connection.cookies.get(self.cookies.primary)
            if token is None:
                raise NotAuthenticated
            self._require_origin(connection)
        return await self.check(token)

    async def check(self, token: str) -> Identity:
        """The identity a primary token proves now; raises `InvalidToken` or `Unavailable`."""
        identity = Identity.from_primary(await self.verifier.verify(token))
        if await self._revocations.is_revoked(identity):
            raise InvalidToken
        return identity

    def _require_origin(self, connection: HTTPConnection) -> None:
        is_safe = connection.scope["type"] == "http" and connection.scope["method"] in SAFE_METHODS
        if is_safe and "origin" not in connection.headers:
            return
        require_allowed_origin(connection, self.origins, needs_proof=True)
