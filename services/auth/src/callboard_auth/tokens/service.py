"""API tokens: made, exchanged, revoked."""

from datetime import UTC, datetime, timedelta

from callboard_servicekit.database import Database
from callboard_servicekit.errors import NotFound
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.accounts.account import Account
from callboard_auth.errors import ExpiryOutOfRange, InvalidApiToken
from callboard_auth.passwords import PasswordPool
from callboard_auth.revocations.repository import RevocationRepository
from callboard_auth.tokens.api_token import ApiToken
from callboard_auth.tokens.repository import ApiTokenRepository, StoredApiToken

USE_RESOLUTION = timedelta(minutes=1)
"""`last_used_at` is written at most this often: a busy token must not become a busy row."""
_LATEST_EXPIRY = datetime(9999, 1, 1, tzinfo=UTC)


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
    owner: Account,
    *,
    name: str,
    secret_hash: str,
    expires_at: datetime | None,
    now: datetime,
) -> StoredApiToken:
    stored = StoredApiToken(
        id=token.id,
        name=name,
        organization_id=owner.organization_id,
        organization_name=owner.organization_name,
        secret_hash=secret_hash,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    await ApiTokenRepository(unit).add(stored, owner.user_id)
    return stored


async def revoke_token(unit: AsyncSession, token_id: str, organization_id: str, now: datetime) -> bool:
    """Revoke a token of this organisation; one that is revoked already gives False. Raises `NotFound`."""
    token = await ApiTokenRepository(unit).lock(token_id, organization_id)
    if token is None:
        raise NotFound
    if token.revoked_at is not None:
        return False
    await _revoke(unit, token, now)
    return True


async def revoke_expired_tokens(unit: AsyncSession, now: datetime, limit: int) -> int:
    """Revoke at most `limit` tokens that have run out; gives how many."""
    expired = await ApiTokenRepository(unit).lock_expired(now, limit)
    for token in expired:
        await _revoke(unit, token, now)
    return len(expired)


async def redeem(database: Database, passwords: PasswordPool, text: str, now: datetime) -> StoredApiToken:
    """The stored token behind what a client presents.

    What is not of a token's form, or has an unknown id, costs no hash: an id is as hard to guess as a secret, and
    made-up ones must not keep others waiting.

    Raises:
        InvalidApiToken: wrong, expired or revoked.
        Overloaded: too many hashes wait already.
    """
    token = ApiToken.parse(text)
    if token is None:
        raise InvalidApiToken
    async with database.read() as unit:
        stored = await ApiTokenRepository(unit).find(token.id)
    # A session of less than a second would be over before it is used.
    if stored is None or stored.is_over(now + timedelta(seconds=1)):
        raise InvalidApiToken
    verdict = await passwords.verify(stored.secret_hash, token.secret)
    if not verdict.is_right:
        raise InvalidApiToken
    if stored.last_used_at is None or now - stored.last_used_at >= USE_RESOLUTION:
        async with database.write() as unit:
            await ApiTokenRepository(unit).mark_used(stored.id, now)
    return stored


async def _revoke(unit: AsyncSession, token: StoredApiToken, now: datetime) -> None:
    await ApiTokenRepository(unit).mark_revoked(token.id, now)
    await RevocationRepository(unit).add_session(token.id, token.organization_id, now)
