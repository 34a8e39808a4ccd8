"""Tickets by the thousand: what ``connect-token`` gives, signed with social's secret and put on its allow-list."""

import secrets
import time
from collections.abc import Iterator

import jwt
from callboard_contracts.identity import (
    TICKET_AUDIENCE,
    TICKET_LIFETIME_SECONDS,
    TICKET_TOKEN_TYPE,
    IdentityKind,
    Role,
    TicketClaims,
)
from callboard_contracts.keys import ticket_key
from redis import Redis

BATCH = 64
PRIMARY_LIFETIME_SECONDS = 900


def mint_tickets(redis: Redis, secret: str, organization: str, count: int) -> Iterator[str]:
    """One ticket for each of so many users, minted a few at a time, as they are taken: each is good for ten seconds."""
    for first in range(0, count, BATCH):
        claims = [_claims(organization, number) for number in range(first, min(first + BATCH, count))]
        with redis.pipeline(transaction=False) as pipeline:
            for claim in claims:
                pipeline.set(ticket_key(organization, claim.jti), 1, ex=TICKET_LIFETIME_SECONDS)
            pipeline.execute()
        for claim in claims:
            payload = claim.model_dump(mode="json", by_alias=True, exclude_none=True)
            yield jwt.encode(payload, secret, algorithm="HS256", headers={"typ": TICKET_TOKEN_TYPE})


def _claims(organization: str, number: int) -> TicketClaims:
    now = time.time()
    return TicketClaims(
        type="ws-connect",
        aud=TICKET_AUDIENCE,
        user_id=f"{organization}-user-{number}",
        login=f"user{number}",
        org=organization,
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        sid=f"{organization}-session-{number}",
        jti=secrets.token_hex(16),
        iat_ms=int(now * 1000),
        exp=int(now) + TICKET_LIFETIME_SECONDS + 1,
        identity_iat=int(now),
        identity_exp=int(now) + PRIMARY_LIFETIME_SECONDS,
    )
