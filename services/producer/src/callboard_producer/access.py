"""Who may call what."""

from typing import Annotated

from callboard_contracts.identity import Identity, Role
from callboard_servicekit.errors import Forbidden
from fastapi import Depends, Request

from callboard_producer.errors import ForeignOrganization
from callboard_producer.resources import CurrentResources


async def _identity(request: Request, resources: CurrentResources) -> Identity:
    return await resources.authenticator.identify(request)


Reader = Annotated[Identity, Depends(_identity)]
"""Anybody of an organisation, a person or an agent; what they see is their organisation's."""


async def _writer(identity: Reader) -> Identity:
    if not identity.role.includes(Role.MEMBER):
        raise Forbidden
    return identity


Writer = Annotated[Identity, Depends(_writer)]
"""The same, viewers excepted."""


def require_own_organization(identity: Identity, organization_id: object) -> None:
    """Raises `ForeignOrganization` for an ``organizationId`` that is not the caller's own."""
    if organization_id != identity.organization_id:
        raise ForeignOrganization
