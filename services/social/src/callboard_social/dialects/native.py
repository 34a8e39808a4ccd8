"""The native dialect, ``callboard.v1``: one JSON object a message."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from callboard_contracts import native
from callboard_contracts.channels import PRESENCE, Channel
from callboard_contracts.events import BusEvent, Event, EventType
from callboard_contracts.positions import Position
from callboard_contracts.wire import format_time
from callboard_servicekit import strict_json

from callboard_social.hub.channel import PresenceChange
from callboard_social.wire.protocol import Frame


def frame_of(message: native.ServerFrame) -> Frame:
    return Frame(message.type, strict_json.dumps(native.dump_frame(message)))


def _event_fields(channel: Channel, event: BusEvent, kind: str) -> dict[str, Any]:
    fields = Event(type=kind, channel=str(channel), position=event.position, at=event.at, data=event.data)
    return fields.model_dump(by_alias=True, exclude={"reply_to"})


class NativeDialect:
    """Encodes what the hub tells native clients."""

    name = "native"

    def event(self, channel: Channel, event: BusEvent) -> Frame:
        return Frame(event.type, strict_json.dumps(_event_fields(channel, event, event.type)))

    def echo(self, channel: Channel, event: BusEvent) -> Frame:
        fields = _event_fields(channel, event, EventType.ECHO)
        if event.origin is not None and event.origin.request is not None:
            fields["replyTo"] = event.origin.request
        return Frame(EventType.ECHO, strict_json.dumps(fields))

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
        fields = Event(
            type=EventType.PRESENCE_UPDATE,
            channel=str(channel),
            position=str(position),
            at=format_time(datetime.now(UTC)),
            data={"users": users},
        )
        return (Frame(fields.type, strict_json.dumps(fields.model_dump(by_alias=True, exclude={"reply_to"}))),)

    def bus(self, *, is_back: bool) -> Frame:
        return frame_of(native.Bus(state="back" if is_back else "lost"))
