"""Keeps those out of a room's channel who are no longer in the room."""

import asyncio
from collections import defaultdict
from collections.abc import Collection

import structlog
from callboard_contracts.channels import GENERAL, Channel, ChannelKind
from callboard_contracts.events import BusEvent, EventType
from callboard_servicekit.errors import Unavailable

from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.rooms.service import Rooms

log = structlog.get_logger(__name__)

FIRST_BACKOFF_SECONDS = 0.2
MAX_BACKOFF_SECONDS = 5.0
ASKED_AT_ONCE = 500
"""User ids in one query."""

Place = tuple[str, Channel]
"""An organisation, and a room's channel of it."""


class RoomGate:
    """Watches the hub. Who is removed leaves the channel at once; where a removal may have been missed, SQL is asked.

    That is so after a loss of the bus, and when somebody enters: it may have been removed between the look at its
    membership and its first event. `run` asks, and while the database is away goes on asking until it can tell.
    What is due is bounded by the members of this node.
    """

    def __init__(self, rooms: Rooms, hub: Hub) -> None:
        self._rooms = rooms
        self._hub = hub
        self._due: defaultdict[Place, set[str]] = defaultdict(set)
        self._is_due = asyncio.Event()

    def came(self, member: Member) -> None:
        """Not in a room yet."""

    def went(self, member: Member, *, is_clean: bool) -> None:
        """It has left its rooms before."""

    def entered(self, member: Member, channel: Channel) -> None:
        if _has_members(channel):
            self._suspect((member.identity.organization_id, channel), {member.identity.user_id})

    def left(self, member: Member, channel: Channel, *, is_clean: bool) -> None:
        """A later look finds it gone."""

    def heard(self, organization_id: str, channel: Channel, event: BusEvent) -> None:
        if event.type == EventType.ROOM_MEMBER and _has_members(channel) and event.data.get("role") is None:
            self._evict((organization_id, channel), {str(event.data.get("userId"))})

    def missed(self, organization_id: str, channel: Channel) -> None:
        if _has_members(channel):
            self._suspect((organization_id, channel), self._users_in((organization_id, channel)))

    async def run(self) -> None:
        """Ask for ever who of those that are due is still a member, and tell what was left behind.

        The supervisor cancels it.
        """
        async with asyncio.TaskGroup() as upkeep:
            upkeep.create_task(self._ask())
            upkeep.create_task(self._rooms.upkeep.run())

    async def _ask(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            await self._is_due.wait()
            try:
                await self._check_next()
                backoff = FIRST_BACKOFF_SECONDS
            except Unavailable as error:
                log.warning("room_members_not_known", error=error.code, places=len(self._due))
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    async def _check_next(self) -> None:
        place = next(iter(self._due))
        # Who became due while we asked is asked about again: its removal may be younger than the answer.
        asked = self._due.pop(place)
        try:
            await self._check(place, asked & self._users_in(place))
        except Unavailable:
            self._due[place] |= asked
            raise
        if not self._due:
            self._is_due.clear()

    async def _check(self, place: Place, user_ids: set[str]) -> None:
        organization_id, channel = place
        ordered = sorted(user_ids)
        for start in range(0, len(ordered), ASKED_AT_ONCE):
            asked = set(ordered[start : start + ASKED_AT_ONCE])
            self._evict(place, asked - await self._rooms.members_among(organization_id, str(channel.id), asked))

    def _suspect(self, place: Place, user_ids: set[str]) -> None:
        if user_ids:
            self._due[place] |= user_ids
            self._is_due.set()

    def _users_in(self, place: Place) -> set[str]:
        return {member.identity.user_id for member in self._members_in(place)}

    def _members_in(self, place: Place) -> list[Member]:
        return [member for members in self._hub.members_of(*place).values() for member in members.values()]

    def _evict(self, place: Place, user_ids: Collection[str]) -> None:
        for member in self._members_in(place):
            if member.identity.user_id in user_ids:
                self._hub.leave(member, place[1])
                log.info("room_member_evicted", connection=member.connection.id, room=place[1].id)


def _has_members(channel: Channel) -> bool:
    """True for a room that one can be removed from."""
    return channel.kind is ChannelKind.ROOM and channel != GENERAL
