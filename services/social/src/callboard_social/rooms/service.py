"""Rooms, for every dialect and for HTTP. Membership is looked up at each call: nothing is remembered here."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from callboard_contracts import rooms as wire
from callboard_contracts.events import Origin
from callboard_contracts.identity import Identity
from callboard_contracts.positions import Position
from callboard_contracts.rooms import GENERAL_ID, RoomRole
from callboard_contracts.wire import IDENTIFIER_PATTERN
from callboard_servicekit.database import Database
from callboard_servicekit.relay.relay import Relay

from callboard_social.rooms.clock import Clock, utc_now
from callboard_social.rooms.errors import GeneralRoomFixed, RoomForbidden
from callboard_social.rooms.membership import (
    create_room,
    join_room,
    remove_member,
    require_sight_of_members,
    role_of,
    set_member,
)
from callboard_social.rooms.messages import MessageRepository
from callboard_social.rooms.relay import MessageRelay
from callboard_social.rooms.removals import MembershipTeller, Removal
from callboard_social.rooms.repository import MemberRepository, RoomRepository, SeenRoom
from callboard_social.rooms.roles import effective_role, general_role
from callboard_social.rooms.room import Page, Room, RoomKey, Said
from callboard_social.rooms.speaking import Draft, store_message
from callboard_social.rooms.storage import Storage
from callboard_social.rooms.upkeep import RoomUpkeep

MAX_ROOMS_AT_CONNECT = 100
"""Bound of the rooms that a socket joins unasked; a socket is in at most 128 channels."""
_IDENTIFIER = re.compile(IDENTIFIER_PATTERN, re.ASCII)


class Rooms:
    """Every method raises `Unavailable` while the database, or Redis where it publishes, does not answer.

    `RoomForbidden` is the same for a room that does not exist and for one that the identity is not in.
    """

    def __init__(self, database: Database, relay: Relay, clock: Clock = utc_now) -> None:
        self._storage = Storage(database)
        self._messages = MessageRelay(self._storage, relay)
        self._clock = clock
        self._teller = MembershipTeller(self._storage, relay, clock)
        self.upkeep = RoomUpkeep(self._storage, self._teller, self._messages, clock)

    async def role_in(self, identity: Identity, room_id: str) -> RoomRole | None:
        """What the identity may do in the room now; None when it is not in, or there is no such room."""
        if room_id == GENERAL_ID:
            return general_role(identity)
        if _IDENTIFIER.fullmatch(room_id) is None:
            return None
        async with self._storage.read() as unit:
            return await role_of(unit, identity, RoomKey(identity.organization_id, room_id))

    async def require_member(self, identity: Identity, room_id: str) -> None:
        """Raises `RoomForbidden` unless the identity is in the room."""
        if await self.role_in(identity, room_id) is None:
            raise RoomForbidden

    async def rooms_of(self, identity: Identity) -> list[str]:
        """Ids of the rooms that the identity is in, ``general`` first, then at most 100, the one joined first first."""
        async with self._storage.read() as unit:
            found = await MemberRepository(unit).rooms_of(
                identity.organization_id, identity.user_id, MAX_ROOMS_AT_CONNECT
            )
        return [GENERAL_ID, *found]

    async def members_among(self, organization_id: str, room_id: str, user_ids: Collection[str]) -> set[str]:
        """Who of these is in a room that is not ``general``."""
        async with self._storage.read() as unit:
            return await MemberRepository(unit).among(RoomKey(organization_id, room_id), user_ids)

    async def say(
        self,
        identity: Identity,
        room_id: str,
        content: str,
        *,
        client_id: str | None = None,
        fields: Mapping[str, Any] | None = None,
        origin: Origin | None = None,
    ) -> Said:
        """Store a message, then relay it; each message of a room goes out once, in the order of their sequence.

        With a client id the same call again is no second message: it gives the stored one, and relays what an earlier
        call could not.

        Raises:
            RoomForbidden, ReadOnly: the identity may not speak there.
            MessageConflict: the client id is taken by a message with another content.
            MessageFieldsTooLarge: the further fields are over the bound.
            RelayUnavailable: it is stored, and not known to be relayed.
        """
        draft = Draft.of(content, client_id, dict(fields or {}), origin)
        key = self._key(identity, room_id)
        async with self._storage.write() as unit:
            stored = await store_message(unit, identity, key, draft, self._clock())
        if stored.is_out:
            return Said(stored.message, await self._messages.position(key), is_repeat=True, is_echoed=False)
        relayed = await self._messages.relay(stored.message)
        is_echoed = origin is not None and (relayed.is_own or not stored.is_repeat)
        return Said(stored.message, relayed.position, is_repeat=stored.is_repeat, is_echoed=is_echoed)

    async def history(self, identity: Identity, room_id: str, before: int | None, limit: int) -> Page:
        """The newest messages of a room, or the newest before a sequence number; raises `RoomForbidden`."""
        key = self._key(identity, room_id)
        async with self._storage.read() as unit:
            if not key.is_general and await role_of(unit, identity, key) is None:
                raise RoomForbidden
            return await MessageRepository(unit).page(key, before=before, limit=limit)

    async def position(self, identity: Identity, room_id: str) -> Position:
        """Where the room's channel stands; whoever asks is a member. Raises `RelayUnavailable`."""
        return await self._messages.position(self._key(identity, room_id))

    async def create(self, identity: Identity, wanted: wire.RoomCreate) -> tuple[wire.Room, bool]:
        """The room as its creator sees it; False when it has been made before. Raises as `create_room` does."""
        if wanted.id == GENERAL_ID:
            raise GeneralRoomFixed
        async with self._storage.write() as unit:
            seen, is_new = await create_room(unit, identity, wanted, self._clock())
        return _shown(identity, seen), is_new

    async def visible(self, identity: Identity, *, after: str | None, limit: int) -> wire.RoomPage:
        """The rooms that the identity is in and those that are open: ``general``, then by id."""
        first = [] if after is not None else [self._general(identity)]
        # No room is before an id's first character, and no other room has the id of `general`.
        start = "" if after in {None, GENERAL_ID} else str(after)
        async with self._storage.read() as unit:
            seen = await RoomRepository(unit).visible_to(
                identity.organization_id, identity.user_id, after=start, limit=limit + 1
            )
        found = [*first, *(_shown(identity, room) for room in seen)]
        shown = tuple(found[:limit])
        return wire.RoomPage(rooms=shown, next_cursor=shown[-1].id if len(found) > limit else None)

    async def members(self, identity: Identity, room_id: str, *, after: str, limit: int) -> wire.RoomMemberPage:
        """Who is in a room, by user id; raises `RoomForbidden` or `GeneralRoomFixed`."""
        key = self._fixed_key(identity, room_id)
        async with self._storage.read() as unit:
            await require_sight_of_members(unit, identity, key)
            found = await MemberRepository(unit).page(key, after=after, limit=limit + 1)
        shown = tuple(membership.to_wire() for membership in found[:limit])
        return wire.RoomMemberPage(members=shown, next_cursor=shown[-1].user_id if len(found) > limit else None)

    async def set_member(self, identity: Identity, room_id: str, wanted: wire.RoomMemberSet) -> wire.RoomMember:
        """Bring somebody into the room, or give another role; then tell the room. Raises as `set_member` does."""
        key = self._fixed_key(identity, room_id)
        async with self._storage.write() as unit:
            membership = await set_member(unit, identity, key, wanted, self._clock())
        await self._teller.tell_role(key, membership.user_id, membership.role)
        return membership.to_wire()

    async def remove_member(self, identity: Identity, room_id: str, user_id: str) -> None:
        """Have somebody out of the room, and tell the room; who is not in is no error. Raises as `remove_member`."""
        key = self._fixed_key(identity, room_id)
        async with self._storage.write() as unit:
            is_to_be_told = await remove_member(unit, identity, key, user_id, self._clock())
        if is_to_be_told:
            await self._teller.tell_removal(Removal(key, user_id))

    async def join(self, identity: Identity, room_id: str) -> wire.Room:
        """Be in an open room; whoever is in a room already stays so. Raises `RoomForbidden`."""
        if room_id == GENERAL_ID:
            return self._general(identity)
        key = self._key(identity, room_id)
        async with self._storage.write() as unit:
            seen = await join_room(unit, identity, key, self._clock())
        await self._teller.tell_role(key, identity.user_id, seen.role)
        return _shown(identity, seen)

    async def leave(self, identity: Identity, room_id: str) -> None:
        """Be in the room no longer; who is not in is no error. Raises `LastOwner` or `GeneralRoomFixed`."""
        await self.remove_member(identity, room_id, identity.user_id)

    def _general(self, identity: Identity) -> wire.Room:
        return Room.general(identity.organization_id, self._clock()).to_wire(general_role(identity))

    @staticmethod
    def _key(identity: Identity, room_id: str) -> RoomKey:
        if _IDENTIFIER.fullmatch(room_id) is None:
            raise RoomForbidden
        return RoomKey(identity.organization_id, room_id)

    def _fixed_key(self, identity: Identity, room_id: str) -> RoomKey:
        if room_id == GENERAL_ID:
            raise GeneralRoomFixed
        return self._key(identity, room_id)


def _shown(identity: Identity, seen: SeenRoom) -> wire.Room:
    return seen.room.to_wire(effective_role(identity, seen.role))
