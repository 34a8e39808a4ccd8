"""What a native client may ask, and what it is answered."""

from collections.abc import Awaitable, Callable
from typing import Any

from callboard_contracts import native
from callboard_contracts.channels import GENERAL, PRESENCE, Channel, ChannelKind
from callboard_contracts.events import Origin
from callboard_contracts.positions import Position
from callboard_contracts.presence import PresentUser
from callboard_contracts.wire import format_time
from pydantic import BaseModel

from callboard_social.dialects.native import echo_frame, frame_of
from callboard_social.errors import ChannelLimit
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.limits import MAX_CHANNELS
from callboard_social.presence.presence import Presence
from callboard_social.rooms.service import Rooms
from callboard_social.wire.protocol import Frame

Handler = Callable[[Member, Any], Awaitable[Frame | None]]


class Refused(Exception):
    """A request that is well-formed and cannot be granted."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def recovered(asked: Position | None, now: Position) -> bool | None:
    """What a joiner is told: True only when nothing happened since the position it has."""
    return None if asked is None else asked == now


def parse_channel(name: str) -> Channel:
    """The channel of this name; raises `Refused`."""
    try:
        return Channel.parse(name)
    except ValueError as error:
        raise Refused("unknown-channel", "There is no channel of this name.") from error


class NativeRequests:
    """The handlers, the same for all members; each gives the frame of its reply, or None when it is written already."""

    def __init__(self, hub: Hub, rooms: Rooms, presence: Presence) -> None:
        self._hub = hub
        self._rooms = rooms
        self._presence = presence
        self.handlers: dict[str, tuple[type[BaseModel], Handler]] = {
            "subscribe": (native.Subscribe, self._subscribe),
            "unsubscribe": (native.Unsubscribe, self._unsubscribe),
            "chat": (native.Chat, self._chat),
            "message": (native.Chat, self._chat),
            "room:join": (native.RoomJoin, self._join_room),
            "room:leave": (native.RoomLeave, self._leave_room),
            "presence:list": (native.PresenceList, self._list_presence),
            "ping": (native.Ping, self._ping),
        }

    async def require_open(self, member: Member, channel: Channel) -> None:
        """Raises a `ServiceError` when the member may not hear the channel: only rooms are not open to everybody."""
        if channel.kind is ChannelKind.ROOM and channel != GENERAL:
            await self._rooms.require_member(member.identity, channel.id or "")

    async def _subscribe(self, member: Member, request: native.Subscribe) -> None:
        asked = None
        if request.position is not None:
            try:
                asked = Position.parse(request.position)
            except ValueError as error:
                raise Refused("invalid-position", "A position is <epoch>:<offset>.") from error
        await self._join(member, parse_channel(request.channel), asked, request.id)

    async def _join_room(self, member: Member, request: native.RoomJoin) -> None:
        await self._join(member, _room(request.room), None, request.id)

    async def _join(
        self, member: Member, channel: Channel, asked: Position | None, request_id: str | int | None
    ) -> None:
        await self.require_open(member, channel)
        if len(member.joined | {channel}) > MAX_CHANNELS:
            raise ChannelLimit

        def subscribed(places: list[tuple[Channel, Position]]) -> Frame:
            [(_, position)] = places
            return frame_of(
                native.Subscribed(
                    reply_to=request_id,
                    channel=str(channel),
                    position=str(position),
                    recovered=recovered(asked, position),
                )
            )

        await self._hub.join(member, [channel], subscribed)

    async def _unsubscribe(self, member: Member, request: native.Unsubscribe) -> Frame:
        return self._leave(member, parse_channel(request.channel), request.id)

    async def _leave_room(self, member: Member, request: native.RoomLeave) -> Frame:
        return self._leave(member, _room(request.room), request.id)

    def _leave(self, member: Member, channel: Channel, request_id: str | int | None) -> Frame:
        self._hub.leave(member, channel)
        return frame_of(native.Unsubscribed(reply_to=request_id, channel=str(channel)))

    async def _chat(self, member: Member, request: native.Chat) -> Frame | None:
        room = GENERAL if request.room is None else _room(request.room)
        said = await self._rooms.say(
            member.identity,
            room.id or "",
            request.content,
            client_id=request.client_id,
            fields=request.model_extra or {},
            origin=Origin(connection=member.connection.id, request=request.id),
        )
        if said.is_echoed:
            return None  # it comes through the room, in its place
        message = said.message
        return echo_frame(room, str(said.position), format_time(message.at), message.data(), request.id)

    async def _list_presence(self, member: Member, request: native.PresenceList) -> Frame:
        channel = PRESENCE if request.room is None else _room(request.room)
        await self.require_open(member, channel)
        present = await self._presence.who(member.identity.organization_id, channel)
        users = tuple(PresentUser(user_id=user.user_id, login=user.login) for user in present)
        return frame_of(native.Presence(reply_to=request.id, room=request.room, users=users))

    async def _ping(self, _member: Member, request: native.Ping) -> Frame:
        return frame_of(native.Pong(reply_to=request.id))


def _room(room_id: str) -> Channel:
    return parse_channel(str(Channel.room(room_id)))
