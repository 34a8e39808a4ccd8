"""Tells what was left behind: committed by a replica that died before it was told, or that could not reach Redis.

Any replica tells it a little later. So nobody goes on hearing a room that it was removed from, and no message waits for
the next one of its room to be seen.
"""

import asyncio
from datetime import timedelta

import structlog
from callboard_servicekit.errors import Unavailable

from callboard_social.rooms.clock import Clock
from callboard_social.rooms.messages import MessageRepository
from callboard_social.rooms.relay import MessageRelay
from callboard_social.rooms.removals import MembershipTeller, RemovalRepository
from callboard_social.rooms.storage import Storage

log = structlog.get_logger(__name__)

LEFT_BEHIND_AFTER = timedelta(seconds=5)
"""The call that changes something tells it at once; what is older than this it has left."""
INTERVAL_SECONDS = 5.0
PAGE = 100


class RoomUpkeep:
    """Two replicas at the same work do no harm: messages are guarded, and a removal may be told twice."""

    def __init__(self, storage: Storage, teller: MembershipTeller, messages: MessageRelay, clock: Clock) -> None:
        self._storage = storage
        self._teller = teller
        self._messages = messages
        self._clock = clock

    async def run(self) -> None:
        """Look for ever. The supervisor cancels it."""
        while True:
            try:
                await self.tell_removals()
                await self.relay_messages()
            except Unavailable as error:
                log.warning("room_upkeep_waits", error=error.code)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def tell_removals(self) -> None:
        """Once, removals first: raises `Unavailable`."""
        async with self._storage.read() as unit:
            left = await RemovalRepository(unit).before(self._clock() - LEFT_BEHIND_AFTER, PAGE)
        for removal in left:
            await self._teller.tell_removal(removal)
            log.info("removal_told_late", room=removal.room.id, organization=removal.room.organization_id)

    async def relay_messages(self) -> None:
        """Once; raises `Unavailable`."""
        async with self._storage.read() as unit:
            left = await MessageRepository(unit).left_behind(self._clock() - LEFT_BEHIND_AFTER, PAGE)
        for message in left:
            await self._messages.relay(message)
            log.info("messages_relayed_late", room=message.room.id, organization=message.room.organization_id)
