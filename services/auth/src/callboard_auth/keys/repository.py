"""Signing keys in SQL: one is active, which a partial unique index holds whatever the replicas do."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.tables import SigningKeyRow


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The private half is PKCS 8 PEM, encrypted; the public half is plain PEM."""

    kid: str
    private_pem: str
    public_pem: str


class SigningKeyRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def find_active(self) -> StoredKey | None:
        row = (await self._unit.scalars(select(SigningKeyRow).where(SigningKeyRow.is_active))).one_or_none()
        return _key(row) if row is not None else None

    async def list_published(self, now: datetime) -> list[StoredKey]:
        """The active key, and those that signed tokens which may still be valid."""
        published = SigningKeyRow.is_active | (SigningKeyRow.retires_at > now)
        rows = await self._unit.scalars(select(SigningKeyRow).where(published).order_by(SigningKeyRow.created_at))
        return [_key(row) for row in rows]

    async def add_active(self, key: StoredKey, now: datetime) -> bool:
        """Make this key the active one; False when another replica was faster."""
        row = SigningKeyRow(
            kid=key.kid,
            private_pem=key.private_pem,
            public_pem=key.public_pem,
            is_active=True,
            created_at=now,
        )
        try:
            async with self._unit.begin_nested():
                self._unit.add(row)
        except IntegrityError:
            return False
        return True


def _key(row: SigningKeyRow) -> StoredKey:
    return StoredKey(row.kid, row.private_pem, row.public_pem)
