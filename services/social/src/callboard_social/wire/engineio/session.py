"""One session: who handles it, and how it ends, whatever transport carries it."""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from callboard_social.handoff.inbound import InboundBudget
from callboard_social.wire.engineio.errors import MalformedPacket
from callboard_social.wire.engineio.handshake import kept_of
from callboard_social.wire.engineio.heartbeat import Heartbeat
from callboard_social.wire.engineio.options import Ending, EngineOptions, SessionHandler
from callboard_social.wire.engineio.packet import Packet, PacketType
from callboard_social.wire.engineio.polling import Polling
from callboard_social.wire.engineio.shared import Shared
from callboard_social.wire.engineio.transport import Transport
from callboard_social.wire.protocol import Batch, Frame

if TYPE_CHECKING:
    from callboard_social.wire.engineio.upgrade import Upgrade

PING = Frame("engine-ping", PacketType.PING)


class EngineSession:
    """What the application sees is `id`, `request`, `send`, `write`, `close`, `drop`, `admit` and `is_closing`.

    None of these calls the handler: that hears of the end later, once the transport is over.
    """

    __slots__ = (
        "__weakref__",
        "_handler",
        "_heartbeat",
        "_is_admitted",
        "_is_dropped",
        "_scope",
        "_timer",
        "_turn",
        "ending",
        "id",
        "is_over",
        "polling",
        "shared",
        "transport",
        "upgrading",
    )

    def __init__(self, session_id: str, request: HTTPConnection, shared: Shared) -> None:
        self.id = session_id
        """Who knows it can speak for the session: it is never logged."""
        self.shared = shared
        self.polling: Polling | None = Polling(self, request.headers.get("User-Agent", ""))
        """None once a WebSocket carries the session."""
        self.transport: Transport = self.polling
        self.upgrading: Upgrade | None = None
        """A WebSocket that has not taken over yet."""
        self.ending: Ending | None = None
        """Why the session closes; None while it does not."""
        self.is_over = False
        self._scope = kept_of(request.scope)
        self._handler: SessionHandler | None = None
        self._is_admitted = False
        self._is_dropped = False
        self._turn = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._heartbeat = Heartbeat(shared.rhythm)

    @property
    def options(self) -> EngineOptions:
        return self.shared.options

    @property
    def request(self) -> HTTPConnection:
        """The handshake: its query, its address, and the headers that say who asks."""
        return HTTPConnection(self._scope)

    @property
    def is_closing(self) -> bool:
        """True once nothing is sent any more."""
        return self.ending is not None

    @property
    def is_overdue(self) -> bool:
        """True when its client has let the deadline of a ping pass."""
        return self._heartbeat.is_overdue

    def admit(self) -> None:
        """Its client belongs here: the deadline for that is off."""
        if not self._is_admitted and not self.is_over:
            self._is_admitted = True
            self.shared.registry.admit(self)
            if self.ending is None:
                self._stop_timer()

    def send(self, frame: Frame) -> None:
        """Have a frame sent; never waits, and does nothing once the session closes.

        `frame.text` is a whole packet, or empty; it must not contain the record separator. When more waits for the
        client than may wait, it is thrown away and the session closes: its client would otherwise see a gap.
        """
        if self.ending is None and not self.transport.put(frame):
            self._fall_behind()

    def write(self, batch: Batch) -> None:
        """As `send`, for frames that others get too."""
        if self.ending is None and not self.transport.write(batch):
            self._fall_behind()

    def _fall_behind(self) -> None:
        self.transport.clear()
        self._close(Ending.SLOW)

    def close(self) -> None:
        """Close after what waits; the client comes back."""
        self._close(Ending.CLOSED)

    def drop(self, *last: Frame) -> None:
        """Throw away what waits, send `last`, then close; what an earlier drop had to say last is kept."""
        if self.is_over:
            return
        if not self._is_dropped:
            self._is_dropped = True
            self.transport.clear()
        for frame in last:
            self.transport.put(frame)
        if last and self.ending is not None:
            self.ending = Ending.DROPPED
        self._close(Ending.DROPPED if last else Ending.CLOSED)

    def begin(self, handler: SessionHandler) -> None:
        """The session is open: its handler is told when it ends, or that it has ended meanwhile."""
        self._handler = handler
        if self.is_over:
            self._tell_end()
        elif self.ending is None:
            self._heartbeat.start(self)
            if not self._is_admitted:
                self._close_in(self.options.admission_timeout.total_seconds())

    def _close_in(self, seconds: float) -> None:
        # In a context of its own: that of the handshake holds its request.
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._close, Ending.UNADMITTED, context=Context())

    def move_to(self, transport: Transport) -> list[Frame]:
        """Have another transport carry the session from here on; gives what waits to be carried by it."""
        polling, self.polling, self.transport = self.polling, None, transport
        if polling is None:
            return []
        polling.leave()
        return polling.lane.take_all()

    @property
    def is_busy(self) -> bool:
        """True while something that the client said is being handled."""
        return self._turn.locked() or self.transport.is_held

    def ping(self) -> None:
        self.send(PING)

    def silent(self) -> None:
        """The client has let the deadline of a ping pass."""
        self.end(Ending.SILENT)

    def heard(self) -> None:
        """The client has shown a sign of life."""
        self._heartbeat.heard()

    async def take(self, packets: Sequence[Packet], budget: InboundBudget | None = None) -> None:
        """Do what packets of the client say, after those before them; raises `MalformedPacket`.

        Takes as long as the handler does, and as one that spends more than its budget has to wait.
        """
        async with self._turn:
            for packet in packets:
                if self.ending is None:
                    self._heartbeat.heard()
                    await self._obey(packet)
                # Even when there is nothing to wait for, others have their turn.
                await asyncio.sleep(0 if budget is None else budget.spend(packet.size))

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
        self._timer = asyncio.get_running_loop().call_later(linger, self.end, ending, context=Context())
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
        self.transport.clear()
        self.transport.leave()
        if self.upgrading is not None:
            self.upgrading.leave()
        self.shared.registry.remove(self)
        self._tell_end()

    def _tell_end(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None and self.ending is not None:
            self.shared.on_end(self.ending)
            handler.ended(is_clean=self.ending.is_clean)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
