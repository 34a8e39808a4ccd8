"""API tokens: made, rotated, revoked. Each change is in the audit log by the time it is committed."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from callboard_contracts.accounts import ActorKind, ApiTokenRotate, AuditAction
from callboard_contracts.wire import format_time
from callboard_servicekit.errors import NotFound
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.accounts.account import Account
from callboard_auth.audit.event import Actor, Details
from callboard_auth.errors import ApiTokenAlreadyRotated, ApiTokenOver, ExpiryOutOfRange
from callboard_auth.revocations.repository import RevocationRepository
from callboard_auth.tokens.api_token import ApiToken
from callboard_auth.tokens.audit import record
from callboard_auth.tokens.repository import ApiTokenRepository, StoredApiToken

_LATEST_EXPIRY = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rotation:
    """``old_ends_at`` is when the old token stops working; it has stopped already when there is no overlap."""

    token: StoredApiToken
    old_id: str
    old_ends_at: datetime


def checked_expiry(expires_at: datetime | None, now: datetime) -> datetime | None:
    """The expiry in UTC; raises `ExpiryOutOfRange`. Beyond the year 9999 a moment may have no form in UTC."""
    if expires_at is None:
        return None
    if not now < expires_at < _LATEST_EXPIRY:
        raise ExpiryOutOfRange
    return expires_at.astimezone(UTC)


async def create_token(
    unit: AsyncSession,
    token: ApiToken,
    administrator: Account,
    *,
    name: str,
    secret_hash: str,
    expires_at: datetime | None,
    now: datetime,
) -> StoredApiToken:
    """A new token, and with it a new agent, whose id everybody may see: it tells nothing of the token's."""
    stored = StoredApiToken(
        id=token.id,
        name=name,
        organization_id=administrator.organization_id,
        organization_name=administrator.organization_name,
        secret_hash=secret_hash,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
        agent_id=uuid.uuid4().hex,
    )
    await ApiTokenRepository(unit).add(stored, administrator.user_id)
    actor, details = Actor.of(administrator), {"expiresAt": _moment(expires_at)}
    await record(unit, AuditAction.API_TOKEN_CREATED, stored, actor=actor, at=now, details=details)
    return stored


async def rotate_token(
    unit: AsyncSession,
    token_id: str,
    successor: ApiToken,
    administrator: Account,
    wish: ApiTokenRotate,
    *,
    secret_hash: str,
    now: datetime,
) -> Rotation:
    """Give the agent of a token a new one; the old one works until the overlap is over, never longer than before.

    Raises:
        NotFound: there is no such token in this organisation.
        ApiTokenAlreadyRotated: of several calls at once, one wins.
        ApiTokenOver: it is revoked or has expired.
        ExpiryOutOfRange: the expiry asked for.
    """
    tokens = ApiTokenRepository(unit)
    old = await _lock_rotatable(tokens, token_id, administrator.organization_id, now)
    expires_at = checked_expiry(wish.expires_at, now) if "expires_at" in wish.model_fields_set else old.expires_at
    token = _successor_of(old, successor, secret_hash, expires_at, now)
    old_ends_at = now + timedelta(seconds=wish.overlap_seconds)
    if old.expires_at is not None:
        old_ends_at = min(old_ends_at, old.expires_at)
    await tokens.add(token, administrator.user_id)
    await tokens.mark_replaced(old.id, token.id, old_ends_at)
    details: Details = {
        "replacedBy": token.id,
        "overlapSeconds": wish.overlap_seconds,
        "expiresAt": _moment(expires_at),
    }
    actor = Actor.of(administrator)
    await record(unit, AuditAction.API_TOKEN_ROTATED, old, actor=actor, at=now, details=details)
    if wish.overlap_seconds == 0:
        await _end(unit, old, now)
    return Rotation(token, old.id, old_ends_at)


async def revoke_token(unit: AsyncSession, token_id: str, administrator: Account, now: datetime) -> bool:
    """Revoke a token of this organisation; one that is revoked already gives False. Raises `NotFound`."""
    token = await ApiTokenRepository(unit).lock(token_id, administrator.organization_id)
    if token is None:
        raise NotFound
    if token.revoked_at is not None:
        return False
    await _end(unit, token, now)
    await record(unit, AuditAction.API_TOKEN_REVOKED, token, actor=Actor.of(administrator), at=now)
    return True


async def revoke_expired_tokens(unit: AsyncSession, now: datetime, limit: int) -> list[StoredApiToken]:
    """Revoke at most `limit` tokens that have run out, or whose overlap is over; gives them."""
    expired = await ApiTokenRepository(unit).lock_expired(now, limit)
    system = Actor(ActorKind.SYSTEM)
    for token in expired:
        await _end(unit, token, now)
        details = {} if token.replaced_by is None else {"replacedBy": token.replaced_by}
        await record(unit, AuditAction.API_TOKEN_EXPIRED, token, actor=system, at=now, details=details)
    return expired


async def _lock_rotatable(
    tokens: ApiTokenRepository, token_id: str, organization_id: str, now: datetime
) -> StoredApiToken:
    token = await tokens.lock(token_id, organization_id)
    if token is None:
        raise NotFound
    if token.replaced_by is not None:
        raise ApiTokenAlreadyRotated(token.replaced_by)
    if token.is_over(now):
        raise ApiTokenOver
    return token


def _successor_of(
    old: StoredApiToken, token: ApiToken, secret_hash: str, expires_at: datetime | None, now: datetime
) -> StoredApiToken:
    return StoredApiToken(
        id=token.id,
        name=old.name,
        organization_id=old.organization_id,
        organization_name=old.organization_name,
        secret_hash=secret_hash,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
        agent_id=old.agent_id,
    )


async def _end(unit: AsyncSession, token: StoredApiToken, now: datetime) -> None:
    await ApiTokenRepository(unit).mark_revoked(token.id, now)
    await RevocationRepository(unit).add_session(token.id, token.organization_id, now)


def _moment(at: datetime | None) -> str | None:
    return format_time(at) if at is not None else None
