"""Verifies primary tokens. What does not verify is refused without a reason that would help to forge one."""

import time
from collections.abc import Callable
from typing import Literal

import jwt
from cachetools import LRUCache
from callboard_contracts.identity import PRIMARY_AUDIENCE, PRIMARY_TOKEN_TYPE, PrimaryClaims
from jwt.exceptions import PyJWTError
from pydantic import ValidationError

from callboard_servicekit.errors import NotAuthenticated
from callboard_servicekit.token_keys import VerificationKeys

MAX_TOKEN_LENGTH = 4_096
CACHED_TOKENS = 10_000
"""Bound of the cache: an EdDSA check costs 143 us, and a dashboard calls with one token again and again."""
CACHED_HEADERS = 64
"""All tokens under one key begin with the same characters, and to read them takes a sixth of a check."""
ISSUED_AHEAD_SECONDS = 5
"""How far auth's clock may be ahead of ours; ``exp`` gets no such grace."""
OnCheck = Callable[[Literal["cached", "verified", "refused"]], None]
"""Told of every token: its signature is known to be good, was found good, or the token was refused."""
_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti"]


class InvalidToken(NotAuthenticated):
    code = "invalid-token"
    detail = "Invalid or expired token"


class TokenVerifier:
    """Checks signature, type, issuer, audience and times of a primary token."""

    def __init__(
        self,
        keys: VerificationKeys,
        issuer: str,
        clock: Callable[[], float] = time.time,
        on_check: OnCheck | None = None,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._on_check = on_check
        self._verified: LRUCache[str, PrimaryClaims] = LRUCache(CACHED_TOKENS)
        self._kids: LRUCache[str, str] = LRUCache(CACHED_HEADERS)

    async def verify(self, token: str) -> PrimaryClaims:
        """The token's claims.

        Raises:
            InvalidToken: for anything but a token of ours that is valid now.
            Unavailable: no verification keys are known yet.
        """
        is_cached = token in self._verified
        try:
            claims = await self._check(token)
        except InvalidToken:
            self._tell("refused")
            raise
        self._tell("cached" if is_cached else "verified")
        return claims

    async def _check(self, token: str) -> PrimaryClaims:
        claims = self._verified.get(token) or await self._decode(token)
        if claims.exp <= self._clock():
            raise InvalidToken
        self._verified[token] = claims
        return claims

    def _tell(self, outcome: Literal["cached", "verified", "refused"]) -> None:
        if self._on_check is not None:
            self._on_check(outcome)

    async def _decode(self, token: str) -> PrimaryClaims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidToken
        header = token.partition(".")[0]
        try:
            kid = self._kids[header] if header in self._kids else self._kid_of(token)
            key = await self._keys.find(kid)
            if key is None:
                raise InvalidToken
            payload = jwt.decode(
                token,
                key,
                algorithms=[self._keys.algorithm],
                audience=PRIMARY_AUDIENCE,
                issuer=self._issuer,
                leeway=ISSUED_AHEAD_SECONDS,
                options={"require": _REQUIRED},
            )
            claims = PrimaryClaims.model_validate(payload)
        except (PyJWTError, ValidationError, ValueError, OverflowError) as error:
            raise InvalidToken from error
        self._kids[header] = kid
        return claims

    def _kid_of(self, token: str) -> str:
        """The key id in the header of a token of our type and algorithm."""
        header = jwt.get_unverified_header(token)
        if header.get("typ") != PRIMARY_TOKEN_TYPE or header.get("alg") != self._keys.algorithm:
            raise InvalidToken
        return header.get("kid") or ""
