"""Users in SQL, seen as members of an organisation."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.accounts.account import Account, name_key
from callboard_auth.tables import MembershipRow, OrganizationRow, UserRow


@dataclass(frozen=True, slots=True)
class StoredAccount:
    account: Account
    password_hash: str


def _memberships() -> Select[UserRow, MembershipRow, OrganizationRow]:
    return (
        select(UserRow, MembershipRow, OrganizationRow)
        .join(MembershipRow, MembershipRow.user_id == UserRow.id)
        .join(OrganizationRow, OrganizationRow.id == MembershipRow.organization_id)
    )


def _account(user: UserRow, membership: MembershipRow, organization: OrganizationRow) -> Account:
    return Account(user.id, user.login, user.email, membership.role, organization.id, organization.name)


class AccountRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add_user(self, account: Account, password_hash: str, now: datetime) -> None:
        """Raises IntegrityError when the login name or the e-mail address is taken."""
        self._unit.add(
            UserRow(
                id=account.user_id,
                login=account.login,
                login_key=name_key(account.login),
                email=account.email,
                email_key=name_key(account.email),
                password_hash=password_hash,
                created_at=now,
            )
        )
        await self._unit.flush()

    async def is_login_taken(self, login: str) -> bool:
        return await self._exists(UserRow.login_key == name_key(login))

    async def is_email_taken(self, email: str) -> bool:
        return await self._exists(UserRow.email_key == name_key(email))

    async def find(self, user_id: str, organization_id: str) -> Account | None:
        query = _memberships().where(UserRow.id == user_id, OrganizationRow.id == organization_id)
        found = (await self._unit.execute(query)).one_or_none()
        return _account(*found) if found is not None else None

    async def find_by_name(self, name: str) -> StoredAccount | None:
        """The account of a login name or an e-mail address, in the organisation it joined first."""
        column = UserRow.email_key if "@" in name else UserRow.login_key
        query = _memberships().where(column == name_key(name)).order_by(MembershipRow.created_at).limit(1)
        found = (await self._unit.execute(query)).one_or_none()
        return StoredAccount(_account(*found), found[0].password_hash) if found is not None else None

    async def replace_password_hash(self, user_id: str, old: str, new: str) -> None:
        """Nothing happens when the hash is no longer the one that was verified."""
        user = (UserRow.id == user_id) & (UserRow.password_hash == old)
        await self._unit.execute(update(UserRow).where(user).values(password_hash=new))

    async def _exists(self, condition: ColumnElement[bool]) -> bool:
        return bool(await self._unit.scalar(select(exists().where(condition))))
