"""From the stored messages to a room's channel: in order of their sequence, each once.

The guard in Redis makes a repeat a no-op and refuses to skip. An answer "behind" has two causes, and neither may hold
a room up: earlier messages are committed and not out yet, or Redis has lost what it knew. In both, the messages after
the room's ``relayed_sequence``, or after the last one that Redis knows, are read from SQL and published, the first of
them as the base to go on from. That cannot skip what nobody published: the number is raised only once Redis has
acknowledged it, and what Redis knows began at such a base.
"""

from dataclasses import dataclass

import structlog
from callboard_contracts.positions import Position
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.relay.relay import Behind, Guard, Published, Relay

from callboard_social.rooms.messages import MessageRepository
from callboard_social.rooms.repository import RoomRepository
from callboard_social.rooms.room import Message, RoomKey
from callboard_social.rooms.storage import Storage

log = structlog.get_logger(__name__)

SUBJECT = "messages"
PAGE = 20
"""Messages read at once: one may be a hundred kibibytes."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """``is_own``: it went out by this call, with the origin that this call gave it."""

    position: Position
    is_own: bool


class MessageRelay:
    """Publishes messages. Several replicas may do so for one room at the same time."""

    def __init__(self, storage: Storage, relay: Relay) -> None:
        self._storage = storage
        self._relay = relay

    async def position(self, room: RoomKey) -> Position:
        """Where the room's channel stands; raises `RelayUnavailable`."""
        return await self._relay.position(room.organization_id, room.channel)

    async def relay(self, message: Message) -> Relayed:
        """Have a message out that is committed, and before it whatever of its room is not.

        Raises:
            RelayUnavailable: what is not out is still in SQL.
        """
        outcome = await self._publish_up_to(message)
        await self._note(message)
        if outcome is None:
            return Relayed(await self.position(message.room), is_own=False)
        return Relayed(outcome.position, is_own=not outcome.is_repeat)

    async def _publish_up_to(self, last: Message) -> Published | None:
        """What became of the last one; None when it was found to be out."""
        done, is_base, outcome = 0, False, None
        messages = [last]
        while messages:
            for message in messages:
                answer = await self._publish(message, is_base=is_base)
                is_base = isinstance(answer, Behind)
                if isinstance(answer, Behind):
                    log.info("relay_behind", room=last.room.id, last=answer.last_sequence)
                    done = max(done, answer.last_sequence)
                    break
                done, outcome = message.sequence, answer
            messages = await self._pending(last, done) if done < last.sequence else []
        return outcome if done == last.sequence else None

    async def _pending(self, last: Message, done: int) -> list[Message]:
        async with self._storage.read() as unit:
            room = await RoomRepository(unit).find(last.room)
            after = max(done, room.relayed_sequence if room is not None else 0)
            return await MessageRepository(unit).between(last.room, after=after, until=last.sequence, limit=PAGE)

    async def _publish(self, message: Message, *, is_base: bool) -> Published | Behind:
        room, guard = message.room, Guard(SUBJECT, message.sequence, is_base)
        return await self._relay.publish(room.organization_id, room.channel, message.body(), guard=guard)

    async def _note(self, message: Message) -> None:
        """Remember how far the room is. What is not noted is published again, which the guard makes a no-op."""
        try:
            async with self._storage.write() as unit:
                await RoomRepository(unit).raise_relayed_sequence(message.room, message.sequence)
        except Unavailable:
            log.warning("relay_not_noted", room=message.room.id)
