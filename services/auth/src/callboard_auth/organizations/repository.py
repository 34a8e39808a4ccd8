"""Organisations and their members in SQL."""

from datetime import datetime

from callboard_contracts.identity import Role
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.tables import MembershipRow, OrganizationRow


class OrganizationRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, organization_id: str, name: str, now: datetime) -> None:
        self._unit.add(OrganizationRow(id=organization_id, name=name, created_at=now))
        await self._unit.flush()

    async def add_member(self, organization_id: str, user_id: str, role: Role, now: datetime) -> None:
        self._unit.add(MembershipRow(organization_id=organization_id, user_id=user_id, role=role, created_at=now))
        await self._unit.flush()
