"""Saying something: what is stored, in one unit of work on one room, which it locks."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from callboard_contracts.events import Origin
from callboard_contracts.identity import Identity
from callboard_contracts.rooms import MAX_MESSAGE_FIELDS_BYTES, RoomRole, passed_fields
from callboard_servicekit import strict_json
from callboard_servicekit.request_context import current_request_id
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_social.rooms.errors import MessageConflict, MessageFieldsTooLarge, ReadOnly, RoomForbidden
from callboard_social.rooms.membership import role_of
from callboard_social.rooms.messages import MessageRepository
from callboard_social.rooms.repository import RoomRepository, Turn
from callboard_social.rooms.roles import general_role, may_speak
from callboard_social.rooms.room import Message, Room, RoomKey


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say; ``origin`` is the connection that waits for the echo, None without one."""

    content: str
    client_id: str | None
    fields: dict[str, Any]
    origin: Origin | None

    @classmethod
    def of(cls, content: str, client_id: str | None, extra: dict[str, Any], origin: Origin | None) -> "Draft":
        """Names that are ours are dropped from `extra`; raises `MessageFieldsTooLarge`."""
        fields = passed_fields(extra)
        if len(strict_json.dumps(fields).encode()) > MAX_MESSAGE_FIELDS_BYTES:
            raise MessageFieldsTooLarge
        return cls(content, client_id or None, fields, origin)


@dataclass(frozen=True, slots=True)
class Stored:
    """``is_repeat``: an earlier call stored it. ``is_out``: and its relay is known to be done."""

    message: Message
    is_repeat: bool
    is_out: bool


async def store_message(unit: AsyncSession, identity: Identity, key: RoomKey, draft: Draft, now: datetime) -> Stored:
    """Store a message, or find the one that the same user has stored with this client id.

    A repeat of what may not be out takes over the echo: it is the later call that still waits.

    Raises:
        RoomForbidden: not a member, or there is no such room.
        ReadOnly: a viewer.
        MessageConflict: the client id is taken by a message with another content.
    """
    turn = await _take_turn(unit, identity, key, now)
    messages = MessageRepository(unit)
    known = await messages.find(key, identity.user_id, draft.client_id) if draft.client_id is not None else None
    if known is None:
        message = _message(key, turn.sequence, identity, draft, now)
        await messages.add(message)
        return Stored(message, is_repeat=False, is_out=False)
    if known.content != draft.content:
        raise MessageConflict
    await RoomRepository(unit).give_back_sequence(key)
    if known.sequence <= turn.relayed_sequence:
        return Stored(known, is_repeat=True, is_out=True)
    taken_over = replace(known, origin=draft.origin, request_id=current_request_id())
    await messages.set_origin(taken_over)
    return Stored(taken_over, is_repeat=True, is_out=False)


async def _take_turn(unit: AsyncSession, identity: Identity, key: RoomKey, now: datetime) -> Turn:
    """The room's next sequence number; a refusal gives it back, for the unit of work comes to nothing."""
    if key.is_general and not may_speak(general_role(identity)):
        raise ReadOnly
    rooms = RoomRepository(unit)
    turn = await rooms.take_sequence(key)
    if turn is None and key.is_general:
        await rooms.add(Room.general(key.organization_id, now))
        turn = await rooms.take_sequence(key)
    if turn is None:
        raise RoomForbidden
    if not key.is_general:
        _require_speaker(await role_of(unit, identity, key))
    return turn


def _require_speaker(role: RoomRole | None) -> None:
    if role is None:
        raise RoomForbidden
    if not may_speak(role):
        raise ReadOnly


def _message(room: RoomKey, sequence: int, identity: Identity, draft: Draft, now: datetime) -> Message:
    return Message(
        room=room,
        sequence=sequence,
        id=uuid4().hex,
        user_id=identity.user_id,
        login=identity.login,
        content=draft.content,
        client_id=draft.client_id,
        fields=draft.fields,
        origin=draft.origin,
        request_id=current_request_id(),
        at=now,
    )
