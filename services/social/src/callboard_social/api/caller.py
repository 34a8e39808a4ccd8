"""Who calls."""

from typing import Annotated

from callboard_contracts.identity import Identity
from callboard_servicekit.routing import StrictJsonRoute
from fastapi import Depends, Request

from callboard_social.resources import resources_of
from callboard_social.rooms.service import Rooms


class IdentifiedJsonRoute(StrictJsonRoute):
    """Who is not known is refused before the body is read."""

    async def admit(self, request: Request) -> None:
        request.state.identity = await resources_of(request.app).authenticator.identify(request)


async def _identity(request: Request) -> Identity:
    identity = request.state.identity
    assert isinstance(identity, Identity)  # noqa: S101 - put there by the route before it read the body
    return identity


async def _rooms(request: Request) -> Rooms:
    return resources_of(request.app).rooms


Caller = Annotated[Identity, Depends(_identity)]
"""Anybody of an organisation, a person or an agent."""
CurrentRooms = Annotated[Rooms, Depends(_rooms)]
