"""Messages in SQL. The table is also the outbox: what was said after a room's ``relayed_sequence`` may not be out."""

import json
from datetime import datetime

from callboard_contracts.events import Origin
from callboard_servicekit import strict_json
from sqlalchemy import ColumnElement, and_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_social.rooms.room import Message, Page, RoomKey
from callboard_social.tables import Base, MessageRow, RoomRow

# What every message needs is built once: put together for each it would cost more than to run it.
_ADD = insert(Base.metadata.tables[MessageRow.__tablename__])
_FIND = select(MessageRow).where(
    MessageRow.organization_id == bindparam("organization_id"),
    MessageRow.room_id == bindparam("room_id"),
    MessageRow.user_id == bindparam("user_id"),
    MessageRow.client_id == bindparam("client_id"),
)


class MessageRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def add(self, message: Message) -> None:
        """Store a new one; the room is locked, and the sequence number is its next."""
        values = {
            "organization_id": message.room.organization_id,
            "room_id": message.room.id,
            "sequence": message.sequence,
            "id": message.id,
            "user_id": message.user_id,
            "login": message.login,
            "client_id": message.client_id,
            "content": message.content,
            "fields": strict_json.dumps(message.fields),
            "origin": _dump_origin(message.origin),
            "request_id": message.request_id,
            "at": message.at,
        }
        await self._unit.execute(_ADD, values)

    async def find(self, room: RoomKey, user_id: str, client_id: str) -> Message | None:
        parameters = {
            "organization_id": room.organization_id,
            "room_id": room.id,
            "user_id": user_id,
            "client_id": client_id,
        }
        row = (await self._unit.scalars(_FIND, parameters)).one_or_none()
        return _message(row) if row is not None else None

    async def set_origin(self, message: Message) -> None:
        """From now on this connection is the one that waits for the echo."""
        values = {"origin": _dump_origin(message.origin), "request_id": message.request_id}
        is_own = MessageRow.sequence == message.sequence
        await self._unit.execute(update(MessageRow).where(_is_in(message.room), is_own).values(values))

    async def between(self, room: RoomKey, *, after: int, until: int, limit: int) -> list[Message]:
        """Messages with ``after < sequence <= until``, in order."""
        is_between = and_(MessageRow.sequence > after, MessageRow.sequence <= until)
        query = select(MessageRow).where(_is_in(room), is_between).order_by(MessageRow.sequence).limit(limit)
        return list(map(_message, await self._unit.scalars(query)))

    async def left_behind(self, moment: datetime, limit: int) -> list[Message]:
        """The last message of each room that is not known to be out, if it was said before this moment.

        Of any organisation: this is upkeep, and nobody's answer.
        """
        is_last = and_(
            RoomRow.organization_id == MessageRow.organization_id,
            RoomRow.id == MessageRow.room_id,
            RoomRow.last_sequence == MessageRow.sequence,
        )
        is_left = and_(RoomRow.relayed_sequence < RoomRow.last_sequence, MessageRow.at < moment)
        query = select(MessageRow).join(RoomRow, is_last).where(is_left).order_by(MessageRow.at).limit(limit)
        return list(map(_message, await self._unit.scalars(query)))

    async def page(self, room: RoomKey, *, before: int | None, limit: int) -> Page:
        """The newest messages, or the newest of those before a sequence number."""
        query = select(MessageRow).where(_is_in(room))
        if before is not None:
            query = query.where(MessageRow.sequence < before)
        rows = list(await self._unit.scalars(query.order_by(MessageRow.sequence.desc()).limit(limit + 1)))
        shown = rows[:limit]
        return Page(tuple(map(_message, shown)), shown[-1].sequence if len(rows) > limit else None)


def _is_in(room: RoomKey) -> ColumnElement[bool]:
    return and_(MessageRow.organization_id == room.organization_id, MessageRow.room_id == room.id)


def _dump_origin(origin: Origin | None) -> str | None:
    return None if origin is None else strict_json.dumps(origin.model_dump(mode="json", by_alias=True))


def _message(row: MessageRow) -> Message:
    return Message(
        room=RoomKey(row.organization_id, row.room_id),
        sequence=row.sequence,
        id=row.id,
        user_id=row.user_id,
        login=row.login,
        content=row.content,
        client_id=row.client_id,
        fields=json.loads(row.fields),
        origin=None if row.origin is None else Origin.model_validate_json(row.origin),
        request_id=row.request_id,
        at=row.at,
    )
