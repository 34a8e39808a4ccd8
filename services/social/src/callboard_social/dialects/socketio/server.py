"""The applications of one path."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from callboard_social.dialects.socketio.application import Application, Traffic, Visit
from callboard_social.dialects.socketio.packet import Packet, PacketType, event_name
from callboard_social.dialects.socketio.session import Endpoint, Engine, NamespacesOfSession
from callboard_social.metrics import UNKNOWN
from callboard_social.wire.protocol import Frame

PATIENCE = timedelta(seconds=45)
"""What a session that has left its last namespace has to connect to another."""
_KINDS = {
    PacketType.CONNECT: "connect",
    PacketType.DISCONNECT: "disconnect",
    PacketType.ACK: "acknowledgement",
}


class SocketIo:
    """Opens the sessions of one path.

    Args:
        applications: by namespace; a client that asks for another gets a connect error.
        traffic: counts packets, both ways.
        events: names under which events of clients are counted; all others are counted as unknown, so that no client
            can make up series.
        patience: what a session that has left its last namespace has to connect to another.
    """

    def __init__(
        self,
        applications: Mapping[str, Application],
        traffic: Traffic | None = None,
        *,
        events: Collection[str] = (),
        patience: timedelta = PATIENCE,
    ) -> None:
        self._traffic = traffic
        self._events = frozenset(events)
        self._endpoint = Endpoint(dict(applications), self._inbound, self._outbound, patience)

    async def __call__(self, engine: Engine, visit: Visit | None = None) -> NamespacesOfSession:
        """For `EngineServer`'s ``open_session``."""
        return NamespacesOfSession(engine, self._endpoint, Visit() if visit is None else visit)

    def _inbound(self, packet: Packet | None, size: int) -> None:
        if self._traffic is not None:
            self._traffic.inbound(UNKNOWN if packet is None else self._kind(packet), size)

    def _outbound(self, frame: Frame) -> None:
        if self._traffic is not None:
            self._traffic.outbound(frame)

    def _kind(self, packet: Packet) -> str:
        if packet.type is not PacketType.EVENT:
            return _KINDS.get(packet.type, UNKNOWN)
        name = event_name(packet.data)
        return name if name in self._events else UNKNOWN
