"""API tokens in SQL."""

from dataclasses import dataclass
from datetime import datetime

from callboard_contracts.accounts import Organization
from sqlalchemy import Select, Update, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.tables import ApiTokenRow, OrganizationRow


@dataclass(frozen=True, slots=True)
class StoredApiToken:
    id: str
    name: str
    organization_id: str
    organization_name: str
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    agent_id: str
    replaced_by: str | None = None
    refused_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        return self.revoked_at is not None or self.has_run_out(now)

    def has_run_out(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def organization(self) -> Organization:
        return Organization(id=self.organization_id, name=self.organization_name)


def _tokens() -> Select[ApiTokenRow, str]:
    return select(ApiTokenRow, OrganizationRow.name).join(
        OrganizationRow, OrganizationRow.id == ApiTokenRow.organization_id
    )


def _stored(row: ApiTokenRow, organization_name: str) -> StoredApiToken:
    return StoredApiToken(
        id=row.id,
        name=row.name,
        organization_id=row.organization_id,
        organization_name=organization_name,
        secret_hash=row.secret_hash,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        agent_id=row.agent_id or row.id,
        replaced_by=row.replaced_by,
        refused_at=row.refused_at,
    )


class ApiTokenRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, token: StoredApiToken, created_by: str) -> None:
        self._unit.add(
            ApiTokenRow(
                id=token.id,
                organization_id=token.organization_id,
                created_by=created_by,
                name=token.name,
                secret_hash=token.secret_hash,
                created_at=token.created_at,
                expires_at=token.expires_at,
                agent_id=token.agent_id,
            )
        )
        await self._unit.flush()

    async def find(self, token_id: str) -> StoredApiToken | None:
        return await self._one(_tokens().where(ApiTokenRow.id == token_id))

    async def lock(self, token_id: str, organization_id: str) -> StoredApiToken | None:
        """The token of this organisation, which nobody else changes until the unit of work ends."""
        own = (ApiTokenRow.id == token_id) & (ApiTokenRow.organization_id == organization_id)
        return await self._one(_tokens().where(own).with_for_update(of=ApiTokenRow))

    async def list_unrevoked(self, organization_id: str) -> list[StoredApiToken]:
        """Oldest first."""
        own = (ApiTokenRow.organization_id == organization_id) & ApiTokenRow.revoked_at.is_(None)
        query = _tokens().where(own).order_by(ApiTokenRow.created_at, ApiTokenRow.id)
        return [_stored(row, name) for row, name in await self._unit.execute(query)]

    async def lock_expired(self, now: datetime, limit: int) -> list[StoredApiToken]:
        """Tokens that ran out and were not revoked yet; those another replica holds are left to it."""
        query = (
            _tokens()
            .where(ApiTokenRow.revoked_at.is_(None), ApiTokenRow.expires_at <= now)
            .order_by(ApiTokenRow.expires_at)
            .limit(limit)
            .with_for_update(of=ApiTokenRow, skip_locked=True)
        )
        return [_stored(row, name) for row, name in await self._unit.execute(query)]

    async def mark_revoked(self, token_id: str, at: datetime) -> None:
        await self._unit.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(revoked_at=at))

    async def mark_replaced(self, token_id: str, successor_id: str, expires_at: datetime) -> None:
        replaced = update(ApiTokenRow).where(ApiTokenRow.id == token_id)
        await self._unit.execute(replaced.values(replaced_by=successor_id, expires_at=expires_at))

    async def mark_used(self, token_id: str, at: datetime) -> None:
        await self._unit.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(last_used_at=at))

    async def mark_first_used(self, token_id: str, at: datetime) -> bool:
        """False when it has been used before; of several at once one is the first."""
        return await self._changes(
            update(ApiTokenRow)
            .where(ApiTokenRow.id == token_id, ApiTokenRow.last_used_at.is_(None))
            .values(last_used_at=at)
        )

    async def mark_refused(self, token_id: str, at: datetime, unless_since: datetime) -> bool:
        """False, and no change, when a refusal was noted after `unless_since`."""
        is_due = ApiTokenRow.refused_at.is_(None) | (ApiTokenRow.refused_at <= unless_since)
        return await self._changes(update(ApiTokenRow).where(ApiTokenRow.id == token_id, is_due).values(refused_at=at))

    async def _changes(self, statement: Update) -> bool:
        changed = statement.returning(ApiTokenRow.id)
        return (await self._unit.execute(changed)).one_or_none() is not None

    async def _one(self, query: Select[ApiTokenRow, str]) -> StoredApiToken | None:
        found = (await self._unit.execute(query)).one_or_none()
        return _stored(found[0], found[1]) if found is not None else None
