"""Who may call what: each step asks for more than the one before."""

from typing import Annotated

from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_servicekit.errors import Forbidden
from callboard_servicekit.token_verifier import InvalidToken
from fastapi import Depends, Request

from callboard_auth.accounts.account import Account
from callboard_auth.accounts.repository import AccountRepository
from callboard_auth.errors import AgentNotAllowed
from callboard_auth.resources import CurrentResources


async def _identity(request: Request, resources: CurrentResources) -> Identity:
    return await resources.authenticator.identify(request)


CurrentIdentity = Annotated[Identity, Depends(_identity)]
"""A person or an agent."""


async def _account(identity: CurrentIdentity, resources: CurrentResources) -> Account:
    if identity.kind is IdentityKind.AGENT:
        raise AgentNotAllowed
    async with resources.database.read() as unit:
        account = await AccountRepository(unit).find(identity.user_id, identity.organization_id)
    if account is None:
        raise InvalidToken
    return account


CurrentAccount = Annotated[Account, Depends(_account)]
"""A person, with the role that they have now, whatever their token says."""


async def _administrator(account: CurrentAccount) -> Account:
    if not account.role.includes(Role.ADMIN):
        raise Forbidden
    return account


Administrator = Annotated[Account, Depends(_administrator)]
"""An owner or admin of the organisation."""
