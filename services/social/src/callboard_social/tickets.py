"""ws-connect tokens: good for ten seconds, for one connection, on whichever replica.

They are an allow-list. Minting puts the token's id into Redis with a life of ten seconds, redeeming takes it out:
whoever took it out is the one who connects. A Redis that forgot refuses; a Redis that is away decides nothing.

A token is a JWT, in the one spelling that this module writes: of what claims to be one nothing is read before its
signature holds. That is stricter than a library, and eight times as fast.
"""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import jwt
from callboard_contracts.identity import (
    TICKET_AUDIENCE,
    TICKET_LIFETIME_SECONDS,
    TICKET_TOKEN_TYPE,
    Identity,
    TicketClaims,
)
from callboard_contracts.keys import ticket_key
from callboard_servicekit.token_keys import HS256
from callboard_servicekit.token_verifier import MAX_TOKEN_LENGTH
from jwt.exceptions import PyJWTError
from pydantic import SecretStr, ValidationError
from redis.asyncio import Redis

from callboard_social.errors import TicketAlreadyUsed, TicketInvalid, TicketTypeWrong
from callboard_social.gathered import Gathered


class Tickets:
    """Mints and redeems. Both raise RedisError when Redis does not answer."""

    def __init__(self, redis: Redis, secret: SecretStr, clock: Callable[[], float] = time.time) -> None:
        self._redis = Gathered(redis)
        self._key = hmac.new(secret.get_secret_value().encode(), digestmod=hashlib.sha256)
        self._header = _encode(f'{{"alg":"{HS256}","typ":"{TICKET_TOKEN_TYPE}"}}'.encode())
        self._clock = clock

    async def mint(self, identity: Identity) -> str:
        """A token for this identity's next connection."""
        now = self._clock()
        claims = TicketClaims(
            type="ws-connect",
            aud=TICKET_AUDIENCE,
            user_id=identity.user_id,
            login=identity.login,
            org=identity.organization_id,
            role=identity.role,
            kind=identity.kind,
            sid=identity.session_id,
            jti=secrets.token_hex(16),
            iat_ms=int(now * 1000),
            exp=int(now) + TICKET_LIFETIME_SECONDS + 1,
            identity_iat=identity.issued_at,
            identity_exp=identity.expires_at,
        )
        await self._redis.execute("SET", ticket_key(claims.org, claims.jti), 1, "EX", TICKET_LIFETIME_SECONDS)
        payload = claims.model_dump_json(by_alias=True, exclude_none=True)
        signed = f"{self._header}.{_encode(payload.encode())}"
        return f"{signed}.{self._signature(signed)}"

    async def redeem(self, token: str) -> Identity:
        """Use the token up.

        Raises:
            TicketTypeWrong: it is a token of another type.
            TicketInvalid: it is not ours, or it is older than ten seconds.
            TicketAlreadyUsed: somebody connected with it.
        """
        claims = self._verify(token)
        if await self._redis.execute("GETDEL", ticket_key(claims.org, claims.jti)) is None:
            age_ms = self._clock() * 1000 - claims.iat_ms
            raise TicketInvalid if age_ms >= TICKET_LIFETIME_SECONDS * 1000 else TicketAlreadyUsed
        return Identity.from_ticket(claims)

    def _signature(self, signed: str) -> str:
        # The key is in the hash already, so a copy of it is all that a signature starts from.
        seal = self._key.copy()
        seal.update(signed.encode())
        return _encode(seal.digest())

    def _verify(self, token: str) -> TicketClaims:
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise TicketInvalid
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if header != self._header or not hmac.compare_digest(self._signature(signed), signature):
            raise _refusal_of(token)
        try:
            claims = TicketClaims.model_validate_json(_decode(payload))
        except ValidationError as error:
            raise TicketInvalid from error
        if claims.aud != TICKET_AUDIENCE or claims.exp <= self._clock():
            raise TicketInvalid
        return claims


def _refusal_of(token: str) -> TicketInvalid | TicketTypeWrong:
    """What it calls itself is not to be trusted: it only chooses between two refusals."""
    try:
        is_ticket = jwt.get_unverified_header(token).get("typ") == TICKET_TOKEN_TYPE
    except (PyJWTError, ValueError):
        return TicketInvalid()
    return TicketInvalid() if is_ticket else TicketTypeWrong()


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """What `_encode` made; the padding that it left off may be too long."""
    return urlsafe_b64decode(text + "==")
