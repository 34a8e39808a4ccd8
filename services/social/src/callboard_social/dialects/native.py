"""The native dialect, ``callboard.v1``: one JSON object a message."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from callboard_contracts import native
from callboard_contracts.channels import PRESENCE, Channel
from callboard_contracts.events import BusEvent, EventType
from callboard_contracts.identity import Identity
from callboard_contracts.positions import Position
from callboard_contracts.wire import format_time
from callboard_servicekit import strict_json

from callboard_social.hub.member import PresenceChange
from callboard_social.wire.protocol import Frame


def frame_of(message: native.ServerFrame) -> Frame:
    return Frame(message.type, native.dump_frame(message))


def connected_frame(
    identity: Identity,
    connection_id: str,
    expires_at: datetime | None,
    places: Iterable[tuple[Channel, Position, bool | None]],
) -> Frame:
    """A `native.Connected` as it would write itself: in a storm everybody is sent one.

    Args:
        identity: whose connection it is.
        connection_id: the connection's.
        expires_at: when the identity does, if that ends the connection.
        places: each channel, where it stands, and whether it was recovered.
    """
    fields = {
        "type": "connected",
        "userId": identity.user_id,
        "login": identity.login,
        "organizationId": identity.organization_id,
        "role": identity.role,
        "connectionId": connection_id,
        "message": native.WELCOME,
        "expiresAt": None if expires_at is None else format_time(expires_at),
        "channels": [
            {"channel": channel.name, "position": str(position), "recovered": is_recovered}
            for channel, position, is_recovered in places
        ],
    }
    return Frame("connected", strict_json.dumps(fields))


def echo_frame(channel: Channel, position: str, at: str, data: dict[str, Any], reply_to: str | int | None) -> Frame:
    """A chat as the connection sees it that sent it; ``replyTo`` only when its request had an ``id``."""
    asked = {} if reply_to is None else {"replyTo": reply_to}
    return _event_frame(EventType.ECHO, channel, position, at, data, **asked)


def _event_frame(kind: str, channel: Channel, position: str, at: str, data: dict[str, Any], **more: str | int) -> Frame:
    """An `Event` as `Event` would write it, without building one: each event of each channel comes through here."""
    fields = {"type": kind, "channel": str(channel), "position": position, "at": at, "data": data, **more}
    return Frame(kind, strict_json.dumps(fields))


class NativeDialect:
    """Encodes what the hub tells native clients."""

    name = "native"

    def event(self, channel: Channel, event: BusEvent) -> Frame:
        return _event_frame(event.type, channel, event.position, event.at, event.data)

    def echo(self, channel: Channel, event: BusEvent) -> Frame:
        request = event.origin.request if event.origin is not None else None
        return echo_frame(channel, event.position, event.at, event.data, request)

    def reset(self, channel: Channel, position: Position) -> Frame:
        return frame_of(native.Reset(channel=str(channel), position=str(position)))

    def hears_presence(self, channel: Channel) -> bool:
        return channel == PRESENCE

    def presence(self, channel: Channel, position: Position, changes: Sequence[PresenceChange]) -> Sequence[Frame]:
        """One event for all of them."""
        users = [
            {"userId": change.user_id, "login": change.login, "status": "online" if change.is_online else "offline"}
            for change in changes
        ]
        at = format_time(datetime.now(UTC))
        return (_event_frame(EventType.PRESENCE_UPDATE, channel, str(position), at, {"users": users}),)

    def bus(self, *, is_back: bool) -> Frame:
        return frame_of(native.Bus(state="back" if is_back else "lost"))
