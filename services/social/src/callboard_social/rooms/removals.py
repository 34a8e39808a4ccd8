"""Removals: who is no longer in a room, until the sockets that hear it have been told.

A row is written in the transaction of the removal and deleted once Redis has acknowledged the event.
"""

from dataclasses import dataclass
from datetime import datetime

from callboard_contracts.events import EventType
from callboard_contracts.rooms import RoomRole
from callboard_contracts.wire import format_time
from callboard_servicekit import strict_json
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.request_context import current_request_id
from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_social.rooms.clock import Clock
from callboard_social.rooms.room import RoomKey
from callboard_social.rooms.storage import Storage
from callboard_social.tables import RemovalRow


@dataclass(frozen=True, slots=True)
class Removal:
    room: RoomKey
    user_id: str


class RemovalRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, removal: Removal, now: datetime) -> None:
        values = {
            "organization_id": removal.room.organization_id,
            "room_id": removal.room.id,
            "user_id": removal.user_id,
            "removed_at": now,
        }
        self._unit.add(RemovalRow(**values))
        await self._unit.flush()

    async def is_pending(self, removal: Removal) -> bool:
        return await self._unit.scalar(select(RemovalRow.removed_at).where(_is(removal))) is not None

    async def before(self, moment: datetime, limit: int) -> list[Removal]:
        """Of any organisation: this is upkeep, and nobody's answer."""
        query = select(RemovalRow).where(RemovalRow.removed_at < moment).order_by(RemovalRow.removed_at).limit(limit)
        rows = await self._unit.scalars(query)
        return [Removal(RoomKey(row.organization_id, row.room_id), row.user_id) for row in rows]

    async def forget(self, removal: Removal) -> None:
        await self._unit.execute(delete(RemovalRow).where(_is(removal)))


def _is(removal: Removal) -> ColumnElement[bool]:
    return and_(
        RemovalRow.organization_id == removal.room.organization_id,
        RemovalRow.room_id == removal.room.id,
        RemovalRow.user_id == removal.user_id,
    )


class MembershipTeller:
    """Tells a room's channel who has come, changed and gone."""

    def __init__(self, storage: Storage, relay: Relay, clock: Clock) -> None:
        self._storage = storage
        self._relay = relay
        self._clock = clock

    async def tell_role(self, room: RoomKey, user_id: str, role: RoomRole | None) -> None:
        """Raises `RelayUnavailable`; to be told twice is harmless."""
        event = {
            "type": EventType.ROOM_MEMBER,
            "at": format_time(self._clock()),
            "data": {"userId": user_id, "role": role},
            "requestId": current_request_id(),
        }
        await self._relay.publish(room.organization_id, room.channel, strict_json.dumps(event))

    async def tell_removal(self, removal: Removal) -> None:
        """Raises `RelayUnavailable`; then it stays to be told."""
        await self.tell_role(removal.room, removal.user_id, None)
        async with self._storage.write() as unit:
            await RemovalRepository(unit).forget(removal)
