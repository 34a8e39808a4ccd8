"""Sessions and their refresh tokens in SQL."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.tables import RefreshTokenRow, SessionRow


@dataclass(frozen=True, slots=True)
class StoredSession:
    id: str
    user_id: str
    organization_id: str
    salt: bytes
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        return self.ended_at is not None or self.expires_at <= now


@dataclass(frozen=True, slots=True)
class StoredRefreshToken:
    token_hash: bytes
    session_id: str
    used_at: datetime | None


def _session(row: SessionRow) -> StoredSession:
    return StoredSession(
        row.id, row.user_id, row.organization_id, row.salt, row.created_at, row.expires_at, row.ended_at
    )


class SessionRepository:
    """What `lock` returns stays as it is until the unit of work ends: calls on one session take turns."""

    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, session: StoredSession) -> None:
        self._unit.add(
            SessionRow(
                id=session.id,
                user_id=session.user_id,
                organization_id=session.organization_id,
                salt=session.salt,
                created_at=session.created_at,
                expires_at=session.expires_at,
                ended_at=session.ended_at,
            )
        )
        await self._unit.flush()

    async def find(self, session_id: str) -> StoredSession | None:
        return await self._one(select(SessionRow).where(SessionRow.id == session_id))

    async def find_by_refresh_token(self, token_hash: bytes) -> StoredSession | None:
        return await self._one(_of_refresh_token(token_hash))

    async def lock(self, session_id: str) -> StoredSession | None:
        return await self._one(select(SessionRow).where(SessionRow.id == session_id).with_for_update())

    async def lock_by_refresh_token(self, token_hash: bytes) -> StoredSession | None:
        return await self._one(_of_refresh_token(token_hash).with_for_update(of=SessionRow))

    async def lock_expired(self, now: datetime, limit: int) -> list[StoredSession]:
        """Sessions that ran out and were not ended yet; those another replica holds are left to it."""
        query = (
            select(SessionRow)
            .where(SessionRow.ended_at.is_(None), SessionRow.expires_at <= now)
            .order_by(SessionRow.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [_session(row) for row in await self._unit.scalars(query)]

    async def mark_ended(self, session_id: str, at: datetime) -> None:
        await self._unit.execute(update(SessionRow).where(SessionRow.id == session_id).values(ended_at=at))

    async def add_refresh_token(self, token_hash: bytes, session_id: str, now: datetime) -> None:
        self._unit.add(RefreshTokenRow(token_hash=token_hash, session_id=session_id, issued_at=now))
        await self._unit.flush()

    async def find_refresh_token(self, token_hash: bytes) -> StoredRefreshToken | None:
        row = await self._unit.get(RefreshTokenRow, token_hash)
        return StoredRefreshToken(row.token_hash, row.session_id, row.used_at) if row is not None else None

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        token = RefreshTokenRow.token_hash == token_hash
        await self._unit.execute(update(RefreshTokenRow).where(token).values(used_at=at))

    async def forget_refresh_tokens(self, ended_before: datetime) -> None:
        """Delete the refresh tokens of sessions that ended long enough ago."""
        ended = select(SessionRow.id).where(SessionRow.ended_at < ended_before)
        await self._unit.execute(delete(RefreshTokenRow).where(RefreshTokenRow.session_id.in_(ended)))

    async def _one(self, query: Select[SessionRow]) -> StoredSession | None:
        row = (await self._unit.scalars(query)).one_or_none()
        return _session(row) if row is not None else None


def _of_refresh_token(token_hash: bytes) -> Select[SessionRow]:
    return (
        select(SessionRow)
        .join(RefreshTokenRow, RefreshTokenRow.session_id == SessionRow.id)
        .where(RefreshTokenRow.token_hash == token_hash)
    )
