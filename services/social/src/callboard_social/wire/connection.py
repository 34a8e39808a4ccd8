"""One open native socket: its one way out, and what it says handled one after the other."""

import asyncio
from collections import deque
from contextvars import Context
from typing import Protocol

import structlog
from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode, Return
from starlette.types import Scope

from callboard_social.handoff import SlimSocket, SocketLimits, hand_off
from callboard_social.wire.protocol import Batch, Frame

log = structlog.get_logger(__name__)

PARTING_CODES = frozenset({1000, 1001})
"""What a client closes with that is done, or whose page is left."""
MAX_EARLY_BYTES = 1024 * 1024
"""Bound of what is put in before the socket is open."""


class Handler(Protocol):
    """What a connection is for."""

    async def handle(self, text: str | None) -> None:
        """A text message, or None for a binary one; the next comes when this returns. Must not raise."""
        ...

    def ended(self) -> None:
        """The connection is over, and all that it said is handled; called exactly once."""
        ...


class Behind(Protocol):
    """Where frames of others may wait for a connection."""

    def catch_up(self) -> None:
        """Write those that happened before now."""
        ...


class Connection:
    """An outlet of the hub, and the receiver of its socket. What is put in before it opens waits for that."""

    __slots__ = (
        "_behind",
        "_closing",
        "_early",
        "_handler",
        "_inbox",
        "_is_lost",
        "_socket",
        "_working",
        "id",
        "peer_code",
    )

    def __init__(self, connection_id: str) -> None:
        self.id = connection_id
        self.peer_code: int | None = None
        """What the peer closed with; None when we closed first."""
        self._closing: CloseCode | None = None
        self._behind: Behind | None = None
        self._early: list[bytes] | None = []
        self._socket: SlimSocket | None = None
        self._handler: Handler | None = None
        self._inbox: deque[str | None] | None = None
        self._working: asyncio.Task[None] | None = None
        self._is_lost = False

    @property
    def close_code(self) -> CloseCode | None:
        """What we close with; None while we do not."""
        return self._closing

    @property
    def has_parted(self) -> bool:
        """True when one side said that this is the end; otherwise the client may be back in a moment."""
        if self.peer_code is not None:
            return self.peer_code in PARTING_CODES
        return self._closing is not None and self._closing.then is Return.NEVER

    @property
    def is_closing(self) -> bool:
        """True once a close is on its way: nothing is put in after it."""
        return self._closing is not None

    def open(self, scope: Scope, limits: SocketLimits, handler: Handler) -> None:
        """Take the socket of an accepted upgrade; what is put in goes out from here on."""
        self._handler = handler
        early, self._early = self._early, None
        self._socket = hand_off(scope, self, limits, b"".join(early or ()))
        if self._closing is not None:
            self._socket.close(self._closing.code, self._closing.reason)
        elif self._inbox:
            self._socket.pause_reading()

    def follow(self, behind: Behind | None) -> None:
        self._behind = behind

    def enqueue(self, frame: Frame) -> None:
        """Put a frame in, after all that happened before; never waits."""
        if self._closing is None:
            self._catch_up()
            self._put(frame.wire)

    def write(self, batch: Batch) -> None:
        """Put frames in that others have too; never waits."""
        self._put(batch.wire)

    def close(self, code: CloseCode) -> None:
        """Close after what is in; the first close counts."""
        if self._closing is None:
            self._catch_up()
            self._close(code)

    def drop(self, code: CloseCode) -> None:
        """Close without what waits: it may not be seen any more, or never will be."""
        if self._socket is not None:
            self._socket.forget()
        elif self._early is not None:
            self._early.clear()
        self._close(code)

    def _catch_up(self) -> None:
        if self._behind is not None:
            self._behind.catch_up()

    def _put(self, wire: bytes) -> None:
        """Over a bound what waits is dropped, and the socket closes: it would otherwise see a gap."""
        if self._closing is not None:
            return
        if self._socket is not None:
            if not self._socket.write(wire):
                self.drop(close_codes.BACK_PRESSURE)
        elif self._early is not None:
            self._early.append(wire)
            if sum(map(len, self._early)) > MAX_EARLY_BYTES:
                self.drop(close_codes.BACK_PRESSURE)

    def _close(self, code: CloseCode, *, is_answered: bool = True) -> None:
        if self._closing is None:
            self._closing = code
            if self._socket is not None:
                self._socket.close(code.code, code.reason, is_answered=is_answered)

    def received(self, message: str | bytes) -> None:
        text = message if isinstance(message, str) else None
        if self._inbox is not None:
            self._inbox.append(text)
            return
        self._inbox = deque([text])
        if self._socket is not None:
            self._socket.pause_reading()
        # In a context of its own: that of the handshake holds its request.
        self._working = asyncio.get_running_loop().create_task(self._work(), context=Context())

    async def _work(self) -> None:
        try:
            while self._inbox and self._closing is None and self._handler is not None:
                await self._handler.handle(self._inbox.popleft())
                await asyncio.sleep(0)  # even when there is nothing to wait for, others have their turn
        except Exception:
            log.exception("connection_failed", connection=self.id)
            self._cut()
        self._inbox = self._working = None
        if self._is_lost:
            self._end()
        elif self._socket is not None:
            self._socket.resume_reading()

    def _cut(self) -> None:
        if self._socket is not None:
            self._socket.abort()

    def silent(self) -> None:
        self._close(close_codes.NO_PONG, is_answered=False)

    def lost(self, code: int, *, is_ours: bool) -> None:
        if self._closing is None and is_ours:
            self._closing = CloseCode(code, "protocol failure", close_codes.what_next(code))
        elif self._closing is None:
            self.peer_code = code
        self._is_lost = True
        if self._working is None:
            self._end()

    def _end(self) -> None:
        handler, self._handler, self._socket = self._handler, None, None
        if handler is not None:
            handler.ended()
