"""The WebSocket transport: a session's first one, or what a polling session moves to."""

import asyncio
from collections import deque
from contextvars import Context
from functools import partial

import structlog
from callboard_contracts import close_codes
from starlette.types import Scope

from callboard_social.handoff import hand_off
from callboard_social.handoff.frames import text_frame
from callboard_social.wire.connection import PARTING_CODES
from callboard_social.wire.engineio.errors import MalformedPacket
from callboard_social.wire.engineio.options import Ending
from callboard_social.wire.engineio.packet import Packet, PacketType, decode_packet
from callboard_social.wire.engineio.polling import Polling
from callboard_social.wire.engineio.session import EngineSession
from callboard_social.wire.engineio.upgrade import Upgrade
from callboard_social.wire.protocol import Batch, Frame

log = structlog.get_logger(__name__)

NORMAL_CLOSURE = 1000
PROTOCOL_ERROR = 1002
_CLOSE_CODES = {
    Ending.MALFORMED: PROTOCOL_ERROR,
    Ending.TOO_LARGE: close_codes.MESSAGE_TOO_BIG.code,
    Ending.SLOW: close_codes.BACK_PRESSURE.code,
    Ending.SHUTDOWN: close_codes.SHUTTING_DOWN.code,
}


class WebSocket:
    """The receiver of a socket that was handed on. No task is kept for it; there is one while it has said something.

    What a slow peer has not taken waits in the socket, and nowhere else.
    """

    __slots__ = ("_inbox", "_is_leaving", "_lost_as", "_session", "_socket", "_upgrade", "_working")

    def __init__(self, session: EngineSession, scope: Scope, open_packet: str = "") -> None:
        """Take the socket of an accepted upgrade; a session's open packet is the first to go out."""
        self._session = session
        self._upgrade: Upgrade | None = None
        self._inbox: deque[str | bytes] | None = deque()
        self._working: asyncio.Task[None] | None = None
        self._is_leaving = False
        self._lost_as: Ending | None = None
        first = text_frame(open_packet) if open_packet else b""
        self._socket = hand_off(scope, self, session.shared.limits, first)

    def open(self) -> None:
        """Carry the session from its beginning."""
        self.take_over()
        self._hear_what_came_early()

    def probe(self, polling: Polling) -> None:
        """Carry the session once its client says so."""
        self._upgrade = Upgrade(self._session, polling, self)
        self._hear_what_came_early()

    def _hear_what_came_early(self) -> None:
        early, self._inbox = self._inbox or (), None
        for message in early:
            self.received(message)

    def say(self, packet: str) -> None:
        self._socket.write(text_frame(packet))

    def take_over(self) -> None:
        """Carry the session from here on; what waits for its client goes out first."""
        self._upgrade = None
        waiting = self._session.move_to(self)
        if waiting:
            self.write(Batch(waiting))
        if self._session.is_closing:
            self.leave()

    def part(self) -> None:
        """Close without having taken over."""
        self._upgrade = None
        self._is_leaving = True
        self._socket.close(NORMAL_CLOSURE)

    @property
    def is_attended(self) -> bool:
        return True

    @property
    def is_held(self) -> bool:
        return self._socket.is_held

    def put(self, frame: Frame) -> bool:
        return self._socket.write(frame.wire)

    def write(self, batch: Batch) -> bool:
        return self._socket.write(batch.wire)

    def clear(self) -> None:
        self._socket.forget()

    def leave(self) -> None:
        """Close in the next turn: whoever closes may be on a walk, and have a last word for another namespace."""
        ending = self._session.ending
        if not self._is_leaving and ending is not None:
            self._is_leaving = True
            code = _CLOSE_CODES.get(ending, NORMAL_CLOSURE)
            close = partial(self._socket.close, code, is_answered=ending is not Ending.SILENT)
            asyncio.get_running_loop().call_soon(close, context=Context())

    def received(self, message: str | bytes) -> None:
        if self._inbox is not None:
            self._inbox.append(message)
        elif self._upgrade is not None:
            self._upgrade.received(message)
        elif self._is_leaving:
            return
        elif message == PacketType.PONG:
            self._session.heard()  # all that an idle client says; it needs no task
        else:
            self._begin(message)

    def _begin(self, message: str | bytes) -> None:
        self._inbox = deque([message])
        self._socket.pause_reading()
        # In a context of its own: that of the handshake holds its request.
        self._working = asyncio.get_running_loop().create_task(self._work(), context=Context())

    async def _work(self) -> None:
        """Handle what came, one after the other."""
        session = self._session
        try:
            while self._inbox and not session.is_closing:
                await session.take([_packet_of(self._inbox.popleft())])
        except MalformedPacket:
            session.end(Ending.MALFORMED)
        except Exception:
            log.exception("engine_session_failed")
            self._socket.abort()
        self._inbox = self._working = None
        if self._lost_as is not None:
            self._end(self._lost_as)
        else:
            self._socket.resume_reading()

    def silent(self) -> None:
        """Never told: the session has a heartbeat of its own."""

    def lost(self, code: int, *, is_ours: bool) -> None:
        """What closes by itself on our side is a fault of the peer's: bytes that are no messages, or too many."""
        if is_ours:
            ending = Ending.TOO_LARGE if code == close_codes.MESSAGE_TOO_BIG.code else Ending.MALFORMED
        else:
            ending = Ending.CLIENT if code in PARTING_CODES else Ending.LOST
        if self._working is None:
            self._end(ending)
        else:
            self._lost_as = ending

    def _end(self, ending: Ending) -> None:
        self._is_leaving = True
        if self._upgrade is not None:
            self._upgrade.end()
            self._upgrade = None
        if self._session.transport is self:
            self._session.end(ending)
        # The session and its transport know each other: this ends them without the garbage collector.
        del self._session


def _packet_of(message: str | bytes) -> Packet:
    return Packet(PacketType.MESSAGE, message) if isinstance(message, bytes) else decode_packet(message)
