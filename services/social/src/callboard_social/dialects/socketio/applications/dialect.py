"""How the members of our Socket.IO applications are told what happens."""

from collections.abc import Callable, Sequence

from callboard_contracts.channels import Channel, ChannelKind
from callboard_contracts.events import BusEvent
from callboard_contracts.positions import Position

from callboard_social.dialects.socketio.socket import event_frame
from callboard_social.hub.member import PresenceChange
from callboard_social.wire.protocol import Frame

EncodeEvent = Callable[[Channel, BusEvent], Frame | None]
EncodePresence = Callable[[Channel, PresenceChange], Frame]


class SocketIoDialect:
    """One per application: its events, each encoded once; whoever caused one sees it as all others do.

    ``reset {channel}`` tells who listens to it that something was not heard; the rest of what native clients are told
    about the bus has no counterpart, since a standard client can do nothing with it.
    """

    name = "socketio"

    def __init__(self, namespace: str, encode: EncodeEvent, encode_presence: EncodePresence | None = None) -> None:
        self._namespace = namespace
        self._encode = encode
        self._encode_presence = encode_presence

    def event(self, channel: Channel, event: BusEvent) -> Frame | None:
        return self._encode(channel, event)

    def echo(self, channel: Channel, event: BusEvent) -> Frame | None:
        return self._encode(channel, event)

    def reset(self, channel: Channel, position: Position) -> Frame | None:  # noqa: ARG002 - these clients hold none
        return event_frame(self._namespace, "reset", {"channel": str(channel)})

    def bus(self, *, is_back: bool) -> Frame | None:  # noqa: ARG002 - they are told neither
        return None

    def hears_presence(self, channel: Channel) -> bool:
        return self._encode_presence is not None and channel.kind is ChannelKind.ROOM

    def presence(self, channel: Channel, position: Position, changes: Sequence[PresenceChange]) -> Sequence[Frame]:  # noqa: ARG002
        if self._encode_presence is None:
            return ()
        return [self._encode_presence(channel, change) for change in changes]
