"""Revocations in SQL: the outbox of the revocation stream, and its memory when Redis has lost its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callboard_contracts.revocations import Revocation, RevocationKind
from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.tables import RevocationRow


@dataclass(frozen=True, slots=True)
class StoredRevocation:
    id: int
    revocation: Revocation


class RevocationRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add_session(self, session_id: str, organization_id: str, at: datetime) -> None:
        """A session has ended, or an API token that is used as one."""
        self._unit.add(
            RevocationRow(kind=RevocationKind.SID, subject_id=session_id, organization_id=organization_id, at=at)
        )
        await self._unit.flush()

    async def list_pending(self, subject_id: str | None, limit: int) -> list[StoredRevocation]:
        """What Redis has not been told yet, of one subject or of all."""
        query = select(RevocationRow).where(RevocationRow.published_at.is_(None)).order_by(RevocationRow.id)
        if subject_id is not None:
            query = query.where(RevocationRow.subject_id == subject_id)
        return await self._list(query.limit(limit))

    async def list_since(self, since: datetime, after_id: int, limit: int) -> list[StoredRevocation]:
        """The next page of what was revoked at `since` or later, by id."""
        young = (RevocationRow.at >= since) & (RevocationRow.id > after_id)
        return await self._list(select(RevocationRow).where(young).order_by(RevocationRow.id).limit(limit))

    async def mark_published(self, ids: Sequence[int], at: datetime) -> None:
        await self._unit.execute(update(RevocationRow).where(RevocationRow.id.in_(ids)).values(published_at=at))

    async def forget_published(self, before: datetime) -> None:
        """Delete what everybody was told and no token can be concerned by any more."""
        old = (RevocationRow.at < before) & RevocationRow.published_at.is_not(None)
        await self._unit.execute(delete(RevocationRow).where(old))

    async def _list(self, query: Select[RevocationRow]) -> list[StoredRevocation]:
        return [_stored(row) for row in await self._unit.scalars(query)]


def _stored(row: RevocationRow) -> StoredRevocation:
    at = int(row.at.timestamp())
    return StoredRevocation(row.id, Revocation(kind=row.kind, id=row.subject_id, org=row.organization_id, at=at))
