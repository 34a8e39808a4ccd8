"""How a session begins, goes on, and ends. Whatever ends one writes its revocation in the same unit of work."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.accounts.account import Account
from callboard_auth.accounts.repository import AccountRepository
from callboard_auth.errors import InvalidRefreshToken
from callboard_auth.revocations.repository import RevocationRepository
from callboard_auth.sessions.refresh_token import first_token, new_salt, successor, token_hash
from callboard_auth.sessions.repository import SessionRepository, StoredRefreshToken, StoredSession

RETRY_WINDOW = timedelta(seconds=10)
"""How long a client may come again with the token it has just used: its answer may have been lost."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as it is handed to a client: the refresh token exists nowhere else."""

    session: StoredSession
    account: Account
    refresh_token: str


@dataclass(frozen=True, slots=True)
class ReusedToken:
    """A refresh token came a second time: one of its two holders stole it, so the session has been ended."""

    session_id: str


async def open_session(unit: AsyncSession, account: Account, lifetime: timedelta, now: datetime) -> OpenSession:
    session = StoredSession(
        id=uuid.uuid4().hex,
        user_id=account.user_id,
        organization_id=account.organization_id,
        salt=new_salt(),
        created_at=now,
        expires_at=now + lifetime,
    )
    token = first_token()
    sessions = SessionRepository(unit)
    await sessions.add(session)
    await sessions.add_refresh_token(token_hash(token), session.id, now)
    return OpenSession(session, account, token)


async def refresh(unit: AsyncSession, token: str, now: datetime) -> OpenSession | ReusedToken:
    """Trade a refresh token for its successor.

    Calls with one token at the same time, and again within `RETRY_WINDOW`, get the same successor. The unit of work
    must be committed for either result.

    Raises:
        InvalidRefreshToken: unknown, or its session is over.
    """
    sessions = SessionRepository(unit)
    session = await sessions.lock_by_refresh_token(token_hash(token))
    # Read only now: while we waited for the lock, another call may have used it.
    stored = await sessions.find_refresh_token(token_hash(token))
    if session is None or stored is None or session.is_over(now):
        raise InvalidRefreshToken
    account = await AccountRepository(unit).find(session.user_id, session.organization_id)
    if account is None:
        raise InvalidRefreshToken
    following = successor(session.salt, token)
    if stored.used_at is None:
        await sessions.mark_used(stored.token_hash, now)
        await sessions.add_refresh_token(token_hash(following), session.id, now)
    elif not await _is_retry(sessions, stored, following, now):
        await end_session(unit, session.id, now)
        return ReusedToken(session.id)
    return OpenSession(session, account, following)


async def end_session(unit: AsyncSession, session_id: str, now: datetime) -> bool:
    """End a session; one that has ended already stays as it is, and gives False."""
    session = await SessionRepository(unit).lock(session_id)
    if session is None or session.ended_at is not None:
        return False
    await _end(unit, session, now)
    return True


async def end_expired_sessions(unit: AsyncSession, now: datetime, limit: int) -> int:
    """End at most `limit` sessions that have run out; gives how many."""
    expired = await SessionRepository(unit).lock_expired(now, limit)
    for session in expired:
        await _end(unit, session, now)
    return len(expired)


async def _end(unit: AsyncSession, session: StoredSession, now: datetime) -> None:
    await SessionRepository(unit).mark_ended(session.id, now)
    await RevocationRepository(unit).add_session(session.id, session.organization_id, now)


async def _is_retry(sessions: SessionRepository, stored: StoredRefreshToken, following: str, now: datetime) -> bool:
    """True for the token used last, within the window; False for an older one."""
    if stored.used_at is None or now - stored.used_at > RETRY_WINDOW:
        return False
    following_stored = await sessions.find_refresh_token(token_hash(following))
    return following_stored is not None and following_stored.used_at is None
