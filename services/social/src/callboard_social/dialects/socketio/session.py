"""One Engine.IO session: the namespaces that its client is connected to."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from starlette.requests import HTTPConnection

from callboard_social.dialects.socketio.application import Application, Visit
from callboard_social.dialects.socketio.conversation import Conversation
from callboard_social.dialects.socketio.packet import MalformedPacket, Packet, PacketType
from callboard_social.dialects.socketio.reading import PacketReader
from callboard_social.dialects.socketio.socket import Socket, connect_error_frame
from callboard_social.wire.protocol import Batch, Frame, bytes_of

log = structlog.get_logger(__name__)

INVALID_NAMESPACE = "Invalid namespace"
UNEXPECTED = "a packet that its namespace does not take now"
_OF_A_NAMESPACE = frozenset({PacketType.EVENT, PacketType.ACK, PacketType.DISCONNECT})
"""What a client may say where it is connected."""


class Engine(Protocol):
    """The Engine.IO session below, as this layer uses it."""

    @property
    def request(self) -> HTTPConnection: ...

    def admit(self) -> None:
        """It is known who the client is: the deadline for that is off."""
        ...

    def send(self, frame: Frame) -> None: ...

    def write(self, batch: Batch) -> None: ...

    def close(self) -> None: ...

    def drop(self, *last: Frame) -> None: ...


Inbound = Callable[[Packet | None, int], None]
"""Counts a packet, or what is none, and its bytes."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What the sessions of one path share. `outbound` counts a frame; `patience` as `SocketIo` has it."""

    applications: Mapping[str, Application]
    inbound: Inbound
    outbound: Callable[[Frame], None]
    patience: timedelta


class NamespacesOfSession:
    """Handles a session's messages, one after the other, and is the trunk of its sockets.

    Where the protocol is silent this does what its reference server does: a second CONNECT to a namespace, a packet
    for a namespace that the client is not connected to, and whatever is malformed close the session. Packets that
    crossed our disconnect are ignored instead: their sender could not know.
    """

    __slots__ = (
        "_bytes_read",
        "_deadline",
        "_disconnected",
        "_endpoint",
        "_engine",
        "_has_closed",
        "_open",
        "_reader",
        "_visit",
    )

    def __init__(self, engine: Engine, endpoint: Endpoint, visit: Visit) -> None:
        self._engine = engine
        self._endpoint = endpoint
        self._visit = visit
        self._reader = PacketReader()
        self._bytes_read = 0
        self._open: dict[str, Conversation] = {}
        self._disconnected: frozenset[str] = frozenset()
        self._has_closed = False
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def request(self) -> HTTPConnection:
        return self._engine.request

    async def received(self, message: str | bytes) -> None:
        """One Engine.IO message; after a close there is nothing left to say to it."""
        if self._has_closed:
            return
        self._bytes_read += bytes_of(message)
        try:
            packet = self._reader.read(message)
        except MalformedPacket as error:
            self._count(None)
            self._violation(str(error))
            return
        if packet is not None:
            self._count(packet)
            await self._handle(packet)
        elif self._reader.begun is not None and self._reader.begun.namespace not in self._open:
            self._forgo(self._reader.begun)

    def ended(self, *, is_clean: bool) -> None:
        """What we closed only for a while is not clean, even when its client closes too."""
        is_clean = is_clean and not self._has_closed
        self._has_closed = True
        self._stop_deadline()
        for conversation in self._open.values():
            conversation.end(is_clean=is_clean)
        self._open.clear()

    def admit(self) -> None:
        self._stop_deadline()
        self._engine.admit()

    def send(self, frame: Frame) -> None:
        self._engine.send(frame)

    def write(self, batch: Batch) -> None:
        self._engine.write(batch)

    def reply(self, frame: Frame) -> None:
        self._endpoint.outbound(frame)
        self._engine.send(frame)

    def close(self) -> None:
        self._has_closed = True
        self._engine.close()

    def drop(self, last: Frame | None) -> None:
        self._has_closed = True
        if last is None:
            self._engine.drop()
        else:
            self._endpoint.outbound(last)
            self._engine.drop(last)

    def parted(self, socket: Socket) -> None:
        if socket.was_connected:
            self._disconnected |= {socket.namespace}
        self._end(socket.namespace)

    def _count(self, packet: Packet | None) -> None:
        self._endpoint.inbound(packet, self._bytes_read)
        self._bytes_read = 0

    def _violation(self, reason: str) -> None:
        log.info("session_violates_protocol", reason=reason)
        self.close()

    async def _handle(self, packet: Packet) -> None:
        conversation = self._open.get(packet.namespace)
        if packet.type is PacketType.CONNECT and conversation is None:
            await self._connect(packet)
        elif packet.type not in _OF_A_NAMESPACE or not self._expects(packet):
            self._violation(UNEXPECTED)
        elif conversation is not None:
            await self._pass_on(packet, conversation)

    async def _pass_on(self, packet: Packet, conversation: Conversation) -> None:
        if packet.type is PacketType.EVENT:
            await conversation.receive(packet)
        elif packet.type is PacketType.ACK:
            conversation.acknowledged(packet)
        else:
            self._end(packet.namespace)

    def _forgo(self, begun: Packet) -> None:
        """Nothing is kept for a namespace that is not open; a packet that crossed our disconnect is ignored."""
        if self._expects(begun):
            self._count(None)
            self._reader.discard()
        else:
            self._violation(UNEXPECTED)

    def _expects(self, packet: Packet) -> bool:
        return packet.namespace in self._open or packet.namespace in self._disconnected

    async def _connect(self, packet: Packet) -> None:
        application = self._endpoint.applications.get(packet.namespace)
        if application is None:
            self.reply(connect_error_frame(packet.namespace, INVALID_NAMESPACE))
            return
        self._disconnected -= {packet.namespace}
        socket = Socket(packet.namespace, self)
        conversation = self._open[packet.namespace] = Conversation(socket, application(socket, self._visit))
        await conversation.begin(packet.data or {})

    def _end(self, namespace: str) -> None:
        self._open.pop(namespace).end(is_clean=True)
        if not self._open and not self._has_closed and self._deadline is None:
            loop = asyncio.get_running_loop()
            seconds = self._endpoint.patience.total_seconds()
            self._deadline = loop.call_later(seconds, self.close, context=Context())

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
