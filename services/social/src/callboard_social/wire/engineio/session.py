"""One session: its out-lane, who handles it, and how it ends, whatever transport carries it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from starlette.requests import HTTPConnection

from callboard_social.wire.engineio.errors import MalformedPacket
from callboard_social.wire.engineio.heartbeat import Heartbeat
from callboard_social.wire.engineio.options import Ending, EngineOptions, SessionHandler
from callboard_social.wire.engineio.packet import Packet, PacketType
from callboard_social.wire.engineio.polling import Polling
from callboard_social.wire.engineio.registry import Registry
from callboard_social.wire.inbound import InboundBudget
from callboard_social.wire.lane import Lane
from callboard_social.wire.protocol import Frame

PING = Frame("engine-ping", PacketType.PING)


class Transport(Protocol):
    """What carries a session at the moment."""

    @property
    def is_attended(self) -> bool:
        """True while the client is there to be told something at once."""
        ...

    def leave(self) -> None:
        """The session closes: say so after what is in its lane. Must not wait; may be called again."""
        ...


class EngineSession:
    """What the application sees is `id`, `request`, `send`, `close`, `drop`, `admit` and `is_closing`.

    None of these calls the handler: that hears of the end later, once the transport is over.
    """

    __slots__ = (
        "__weakref__",
        "_budget",
        "_handler",
        "_heartbeat",
        "_is_admitted",
        "_is_dropped",
        "_on_end",
        "_registry",
        "_timer",
        "_turn",
        "ending",
        "id",
        "is_over",
        "lane",
        "options",
        "polling",
        "request",
        "transport",
        "upgrading",
    )

    def __init__(
        self,
        session_id: str,
        request: HTTPConnection,
        options: EngineOptions,
        registry: Registry,
        on_end: Callable[[Ending], None],
    ) -> None:
        self.id = session_id
        """Who knows it can speak for the session: it is never logged."""
        self.request = request
        """The handshake: headers, query and address."""
        self.options = options
        self.lane = Lane()
        self.polling = Polling(self)
        self.transport: Transport = self.polling
        self.upgrading: Transport | None = None
        """A WebSocket that has not taken over yet."""
        self.ending: Ending | None = None
        """Why the session closes; None while it does not."""
        self.is_over = False
        self._registry = registry
        self._on_end = on_end
        self._handler: SessionHandler | None = None
        self._is_admitted = False
        self._is_dropped = False
        self._turn = asyncio.Lock()
        self._budget = InboundBudget()
        self._timer: asyncio.TimerHandle | None = None
        self._heartbeat = Heartbeat(
            options.ping_interval,
            options.ping_timeout,
            ping=lambda: self.send(PING),
            lost=lambda: self.end(Ending.SILENT),
            is_busy=self._turn.locked,
        )

    @property
    def is_closing(self) -> bool:
        """True once nothing goes into the lane any more."""
        return self.ending is not None

    @property
    def is_overdue(self) -> bool:
        """True when its client has let the deadline of a ping pass."""
        return self._heartbeat.is_overdue

    def admit(self) -> None:
        """Its client belongs here: the deadline for that is off."""
        if not self._is_admitted and not self.is_over:
            self._is_admitted = True
            self._registry.admit(self)
            if self.ending is None:
                self._stop_timer()

    def send(self, frame: Frame) -> None:
        """Put a frame into the lane; never waits, and does nothing once the session closes.

        `frame.text` is a whole packet, or empty; it must not contain the record separator. Over the bound of the lane
        what waits is thrown away and the session closes: its client would otherwise see a gap.
        """
        if self.ending is None and not self.lane.put(frame):
            self.lane.clear()
            self._close(Ending.SLOW)

    def close(self) -> None:
        """Close after what is in the lane; the client comes back."""
        self._close(Ending.CLOSED)

    def drop(self, *last: Frame) -> None:
        """Throw away what waits, send `last`, then close; what an earlier drop had to say last is kept."""
        if self.is_over:
            return
        if not self._is_dropped:
            self._is_dropped = True
            self.lane.clear()
        for frame in last:
            self.lane.put(frame)
        if last and self.ending is not None:
            self.ending = Ending.DROPPED
        self._close(Ending.DROPPED if last else Ending.CLOSED)

    def begin(self, handler: SessionHandler) -> None:
        """The session is open: its handler is told when it ends, or that it has ended meanwhile."""
        self._handler = handler
        if self.is_over:
            self._tell_end()
        elif self.ending is None:
            self._heartbeat.start()
            if not self._is_admitted:
                wait = self.options.admission_timeout.total_seconds()
                self._timer = asyncio.get_running_loop().call_later(wait, self._close, Ending.UNADMITTED)

    def heard(self) -> None:
        """The client has shown a sign of life."""
        self._heartbeat.heard()

    async def take(self, *packets: Packet) -> None:
        """Do what packets of the client say, after those before them; raises `MalformedPacket`.

        Takes as long as the handler does, and as one that says too much has to wait.
        """
        async with self._turn:
            for packet in packets:
                if self.ending is None:
                    self._heartbeat.heard()
                    await self._obey(packet)
                await asyncio.sleep(self._budget.spend(packet.size))

    async def _obey(self, packet: Packet) -> None:
        if packet.type is PacketType.MESSAGE and self._handler is not None:
            try:
                await self._handler.received(packet.data)
            except Exception:
                self.end(Ending.FAILED)
                raise
        elif packet.type is PacketType.CLOSE:
            self.end(Ending.CLIENT)
        elif packet.type not in {PacketType.PONG, PacketType.NOOP}:
            raise MalformedPacket

    def _close(self, ending: Ending) -> None:
        if self.ending is not None:
            return
        self.ending = ending
        self._heartbeat.stop()
        self._stop_timer()
        linger = self.options.linger.total_seconds()
        self._timer = asyncio.get_running_loop().call_later(linger, self.end, ending)
        self.lane.end()
        self.transport.leave()

    def shut_down(self) -> None:
        """Close because the server stops; a client that is away cannot come and be told."""
        self._close(Ending.SHUTDOWN)
        if not self.transport.is_attended:
            self.end(Ending.SHUTDOWN)

    def end(self, ending: Ending) -> None:
        """The session is over now; the first word about why counts."""
        if self.is_over:
            return
        self.is_over = True
        self.ending = self.ending or ending
        self._heartbeat.stop()
        self._stop_timer()
        self.lane.clear()
        self.lane.end()
        self._registry.remove(self)
        for transport in (self.transport, self.upgrading):
            if transport is not None:
                transport.leave()
        self._tell_end()

    def _tell_end(self) -> None:
        if self._handler is not None and self.ending is not None:
            self._on_end(self.ending)
            self._handler.ended(is_clean=self.ending.is_clean)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
