"""Who calls, and what the calls need of a running social."""

from dataclasses import dataclass
from typing import Annotated

from callboard_contracts.identity import Identity
from callboard_servicekit.authentication import Authenticator
from callboard_servicekit.routing import StrictJsonRoute
from fastapi import Depends, Request

from callboard_social.rooms.service import Rooms


@dataclass(frozen=True, slots=True)
class RoomAccess:
    """Put into ``app.state.room_access`` by the lifespan: rooms stand below what holds everything together."""

    rooms: Rooms
    authenticator: Authenticator


def _access_of(request: Request) -> RoomAccess:
    access = request.app.state.room_access
    assert isinstance(access, RoomAccess)  # noqa: S101 - put there by the lifespan
    return access


class IdentifiedJsonRoute(StrictJsonRoute):
    """Who is not known is refused before the body is read."""

    async def admit(self, request: Request) -> None:
        request.state.identity = await _access_of(request).authenticator.identify(request)


async def _identity(request: Request) -> Identity:
    identity = request.state.identity
    assert isinstance(identity, Identity)  # noqa: S101 - put there by the route before it read the body
    return identity


async def _rooms(request: Request) -> Rooms:
    return _access_of(request).rooms


Caller = Annotated[Identity, Depends(_identity)]
"""Anybody of an organisation, a person or an agent."""
CurrentRooms = Annotated[Rooms, Depends(_rooms)]
