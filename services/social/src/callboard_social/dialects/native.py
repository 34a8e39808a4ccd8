"""The native dialect, ``callboard.v1``: one JSON object a message."""

from typing import Any

from callboard_contracts import native
from callboard_contracts.channels import Channel
from callboard_contracts.events import BusEvent, Event, EventType
from callboard_contracts.positions import Position
from callboard_servicekit import strict_json

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

    def bus(self, *, is_back: bool) -> Frame:
        return frame_of(native.Bus(state="back" if is_back else "lost"))
