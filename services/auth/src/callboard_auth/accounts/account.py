"""A person in one organisation."""

import unicodedata
from dataclasses import dataclass

from callboard_contracts.accounts import Organization, User
from callboard_contracts.identity import Role


def name_key(name: str) -> str:
    """What a login name or an e-mail address is compared by: neither case nor form of writing makes two of one."""
    return unicodedata.normalize("NFKC", name).casefold()


@dataclass(frozen=True, slots=True)
class Account:
    user_id: str
    login: str
    email: str
    role: Role
    organization_id: str
    organization_name: str

    def user(self) -> User:
        return User(id=self.user_id, login=self.login, email=self.email, role=self.role)

    def organization(self) -> Organization:
        return Organization(id=self.organization_id, name=self.organization_name)
