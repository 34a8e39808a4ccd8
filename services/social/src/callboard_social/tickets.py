"""ws-connect tokens: good for ten seconds, for one connection, on whichever replica.

They are an allow-list. Minting puts the token's id into Redis with a life of ten seconds, redeeming takes it out:
whoever took it out is the one who connects. A Redis that forgot refuses; a Redis that is away decides nothing.
"""

import secrets
import time
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


class Tickets:
    """Mints and redeems. Both raise RedisError when Redis does not answer."""

    def __init__(self, redis: Redis, secret: SecretStr, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._key = secret.get_secret_value().encode()
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
        await self._redis.set(ticket_key(claims.org, claims.jti), 1, ex=TICKET_LIFETIME_SECONDS)
        payload = claims.model_dump(mode="json", by_alias=True, exclude_none=True)
        return jwt.encode(payload, self._key, algorithm=HS256, headers={"typ": TICKET_TOKEN_TYPE})

    async def redeem(self, token: str) -> Identity:
        """Use the token up.

        Raises:
            TicketTypeWrong: it is a token of another type.
            TicketInvalid: it is not ours, or it is older than ten seconds.
            TicketAlreadyUsed: somebody connected with it.
        """
        claims = self._verify(token)
        if await self._redis.getdel(ticket_key(claims.org, claims.jti)) is None:
            age_ms = self._clock() * 1000 - claims.iat_ms
            raise TicketInvalid if age_ms >= TICKET_LIFETIME_SECONDS * 1000 else TicketAlreadyUsed
        return Identity.from_ticket(claims)

    def _verify(self, token: str) -> TicketClaims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise TicketInvalid
        try:
            # The header is not to be trusted: it only chooses between two refusals.
            if jwt.get_unverified_header(token).get("typ") != TICKET_TOKEN_TYPE:
                raise TicketTypeWrong
            payload = jwt.decode(
                token, self._key, algorithms=[HS256], audience=TICKET_AUDIENCE, options={"require": ["exp", "jti"]}
            )
            return TicketClaims.model_validate(payload)
        except (PyJWTError, ValidationError, ValueError) as error:
            raise TicketInvalid from error
