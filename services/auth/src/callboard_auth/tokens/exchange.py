"""The exchange of an API token: what a client presents, checked, and noted."""

from datetime import datetime, timedelta
from enum import StrEnum

from callboard_contracts.accounts import ActorKind, AuditAction
from callboard_servicekit.database import Database

from callboard_auth.audit.event import Actor
from callboard_auth.errors import InvalidApiToken
from callboard_auth.tokens.api_token import ApiToken
from callboard_auth.tokens.audit import agent_of, record
from callboard_auth.tokens.repository import ApiTokenRepository, StoredApiToken
from callboard_auth.tokens.token_secrets import ApiTokenSecrets

USE_RESOLUTION = timedelta(minutes=1)
"""`last_used_at` is written at most this often: a busy token must not become a busy row."""
REFUSAL_RESOLUTION = timedelta(hours=1)
"""How often a refusal goes to the audit log, for each token: whoever knows an id must not be able to fill it."""


class Refusal(StrEnum):
    """Why a token that exists was refused; for the audit log, never for the client."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    ROTATED = "rotated"
    WRONG_SECRET = "wrong-secret"


async def redeem(database: Database, secrets: ApiTokenSecrets, text: str, now: datetime) -> StoredApiToken:
    """The stored token behind what a client presents.

    What is not of a token's form, or has an unknown id, costs no hash: an id is hard to guess, and made-up ones must
    not keep others waiting. Whoever knows an id gets a few hashes a minute.

    Raises:
        InvalidApiToken: wrong, expired or revoked.
        TooManyRequests: too many wrong secrets for this token already.
        Overloaded: too many hashes wait already.
    """
    token = ApiToken.parse(text)
    if token is None:
        raise InvalidApiToken
    async with database.read() as unit:
        stored = await ApiTokenRepository(unit).find(token.id)
    if stored is None:
        raise InvalidApiToken
    refusal = await _refusal(secrets, stored, token.secret, now)
    if refusal is not None:
        await _note_refusal(database, stored, refusal, now)
        raise InvalidApiToken
    await _note_use(database, stored, now)
    return stored


async def _refusal(secrets: ApiTokenSecrets, stored: StoredApiToken, secret: str, now: datetime) -> Refusal | None:
    # What runs out is marked as revoked too, but not before its time.
    if stored.revoked_at is not None and not stored.has_run_out(stored.revoked_at):
        return Refusal.REVOKED
    # A session of less than a second would be over before it is used.
    if stored.is_over(now + timedelta(seconds=1)):
        return Refusal.ROTATED if stored.replaced_by is not None else Refusal.EXPIRED
    return None if await secrets.is_right(stored, secret) else Refusal.WRONG_SECRET


async def _note_refusal(database: Database, stored: StoredApiToken, refusal: Refusal, now: datetime) -> None:
    horizon = now - REFUSAL_RESOLUTION
    if stored.refused_at is not None and stored.refused_at > horizon:
        return
    async with database.write() as unit:
        if await ApiTokenRepository(unit).mark_refused(stored.id, now, horizon):
            actor, details = Actor(ActorKind.UNKNOWN), {"reason": refusal.value}
            await record(unit, AuditAction.API_TOKEN_REFUSED, stored, actor=actor, at=now, details=details)


async def _note_use(database: Database, stored: StoredApiToken, now: datetime) -> None:
    if stored.last_used_at is not None and now - stored.last_used_at < USE_RESOLUTION:
        return
    async with database.write() as unit:
        tokens = ApiTokenRepository(unit)
        if stored.last_used_at is None and await tokens.mark_first_used(stored.id, now):
            await record(unit, AuditAction.API_TOKEN_EXCHANGED, stored, actor=agent_of(stored), at=now)
        else:
            await tokens.mark_used(stored.id, now)
