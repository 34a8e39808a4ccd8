"""Sign-up, and the check of a password."""

import uuid
from datetime import datetime

from callboard_contracts.accounts import LogIn, Me, SignUp, User
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_servicekit.database import Database
from callboard_servicekit.token_verifier import InvalidToken
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.accounts.account import Account
from callboard_auth.accounts.repository import AccountRepository
from callboard_auth.errors import EmailTaken, InvalidCredentials, LoginTaken
from callboard_auth.organizations.repository import OrganizationRepository
from callboard_auth.passwords import PasswordPool
from callboard_auth.tokens.repository import ApiTokenRepository


async def sign_up(unit: AsyncSession, wish: SignUp, password_hash: str, now: datetime) -> Account:
    """A new user, who owns a new organisation; raises `LoginTaken` or `EmailTaken`."""
    account = Account(
        user_id=uuid.uuid4().hex,
        login=wish.login,
        email=wish.email,
        role=Role.OWNER,
        organization_id=uuid.uuid4().hex,
        organization_name=wish.organization_name,
    )
    accounts = AccountRepository(unit)
    await _require_free(accounts, account)
    try:
        async with unit.begin_nested():
            await accounts.add_user(account, password_hash, now)
    except IntegrityError:
        # Someone took the name between our look and our insert; now the look tells which.
        await _require_free(accounts, account)
        raise
    organizations = OrganizationRepository(unit)
    await organizations.add(account.organization_id, account.organization_name, now)
    await organizations.add_member(account.organization_id, account.user_id, account.role, now)
    return account


async def authenticate(database: Database, passwords: PasswordPool, wish: LogIn) -> Account:
    """The account behind a login name or e-mail address and its password.

    No unit of work is open while the hash is computed. An unknown user takes as long as a wrong password.

    Raises:
        InvalidCredentials: for either.
        Overloaded: too many hashes wait already.
    """
    async with database.read() as unit:
        stored = await AccountRepository(unit).find_by_name(wish.login)
    verdict = await passwords.verify(stored.password_hash if stored else None, wish.password)
    if stored is None or not verdict.is_right:
        raise InvalidCredentials
    if verdict.needs_rehash:
        renewed = await passwords.hash(wish.password)
        async with database.write() as unit:
            await AccountRepository(unit).replace_password_hash(stored.account.user_id, stored.password_hash, renewed)
    return stored.account


async def describe(unit: AsyncSession, identity: Identity) -> Me:
    """Who an identity is now; raises `InvalidToken` when it no longer exists."""
    if identity.kind is IdentityKind.AGENT:
        return await _describe_agent(unit, identity)
    account = await AccountRepository(unit).find(identity.user_id, identity.organization_id)
    if account is None:
        raise InvalidToken
    return Me(user=account.user(), organization=account.organization())


async def _describe_agent(unit: AsyncSession, identity: Identity) -> Me:
    token = await ApiTokenRepository(unit).find(identity.session_id or "")
    if token is None:
        raise InvalidToken
    user = User(id=token.agent_id, login=token.name, email=None, role=identity.role, kind=IdentityKind.AGENT)
    return Me(user=user, organization=token.organization())


async def _require_free(accounts: AccountRepository, account: Account) -> None:
    if await accounts.is_login_taken(account.login):
        raise LoginTaken
    if await accounts.is_email_taken(account.email):
        raise EmailTaken
