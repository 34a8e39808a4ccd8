"""Who may call what."""

from typing import Annotated

from callboard_contracts.identity import Identity, Role
from callboard_servicekit.errors import Forbidden
from callboard_servicekit.problems import RepairingJsonRequest
from callboard_servicekit.routing import StrictJsonRoute
from fastapi import Depends, Request

from callboard_producer.errors import ForeignOrganization
from callboard_producer.resources import resources_of


class IdentifiedJsonRoute(StrictJsonRoute):
    """Who is not known is refused before the body is read."""

    async def admit(self, request: Request) -> None:
        request.state.identity = await resources_of(request).authenticator.identify(request)


class IdentifiedLogJsonRoute(IdentifiedJsonRoute):
    """The same for log lines, whose text is repaired instead of refused."""

    request_class = RepairingJsonRequest


async def _identity(request: Request) -> Identity:
    identity = request.state.identity
    assert isinstance(identity, Identity)  # noqa: S101 - put there by the route before it read the body
    return identity


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
