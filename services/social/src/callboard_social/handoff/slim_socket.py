"""One open WebSocket: a transport, a parser, and whoever is told."""

import asyncio
import random
import socket
import struct
from collections import deque
from contextvars import Context
from dataclasses import dataclass
from typing import Protocol

from callboard_social.handoff.frames import PING
from callboard_social.handoff.inbound import InboundBudget
from callboard_social.handoff.messages import MessageParser
from callboard_social.handoff.wheel import Wheel

CHUNK_BYTES = 1024
"""Is parsed in one go: a read of 256 KiB may hold 40,000 frames, and everybody else would wait for all of them."""
LEAST_WEIGHT = 64
"""What the smallest write counts for while it waits: it takes more memory than it has bytes."""
MAX_BYTES_AFTER_CLOSE = 128 * 1024
"""After our close frame only the peer's is worth reading."""
EARLIEST_SHARE = 0.5
"""Sockets that came together are pinged for the first time at different moments within an interval."""
GOING_AWAY = 1001

_NO_LINGER = struct.pack("ii", 1, 0)

_BUSY, _PACED, _TURN = 1, 2, 4
"""Why nothing is read: the receiver asked for it, the peer says too much, others have their turn."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Shared by the sockets of a server. Sizes in bytes, times in seconds.

    `max_waiting` is what may wait here for one slow peer; `send_buffer` bounds what the kernel holds for it beside
    that. `linger` is what a peer has to take what is left for it and the close frame. Without a `wheel` the peer is
    not pinged.
    """

    max_message: int
    max_waiting: int = 1024 * 1024
    send_buffer: int = 64 * 1024
    linger: float = 10.0
    ping_interval: float = 25.0
    ping_timeout: float = 10.0
    wheel: Wheel | None = None


class Receiver(Protocol):
    """Who is told what comes in, by plain calls: none of them may wait or raise."""

    def received(self, message: str | bytes) -> None:
        """A whole message, text or binary."""
        ...

    def silent(self) -> None:
        """The peer has let a ping's time pass; it is for the receiver to close."""
        ...

    def lost(self, code: int, *, is_ours: bool) -> None:
        """The connection is over: called exactly once, and last.

        `code` is of the close frame that came first, and 1006 without one; `is_ours`: it was sent by this side, because
        somebody closed or because of what the peer sent.
        """
        ...


class SlimSocket(asyncio.Protocol):
    """What stays of a WebSocket after its handshake. Nothing here waits; everything is called in the loop's thread."""

    __slots__ = (
        "_awaits_pong",
        "_budget",
        "_bytes_after_close",
        "_connections",
        "_has_pinged",
        "_holds",
        "_is_paused",
        "_is_sealed",
        "_limits",
        "_linger",
        "_parser",
        "_receiver",
        "_slot",
        "_transport",
        "_unread",
        "_waiting",
        "_waiting_bytes",
    )

    def __init__(
        self, transport: asyncio.Transport, parser: MessageParser, receiver: Receiver, limits: SocketLimits
    ) -> None:
        self._transport = transport
        self._parser = parser
        self._receiver = receiver
        self._limits = limits
        self._connections: set[object] | None = None
        self._unread = b""
        self._holds = 0
        self._budget: InboundBudget | None = None
        self._waiting: deque[bytes] | None = None
        self._waiting_bytes = 0
        self._is_paused = False
        self._is_sealed = False
        self._linger: asyncio.TimerHandle | None = None
        self._bytes_after_close = 0
        self._has_pinged = False
        self._awaits_pong = False
        self._slot: int | None = None

    def begin(self, connections: set[object], *, is_paused: bool) -> None:
        """Take the transport over; `connections` are the server's, `is_paused` is the state of writing."""
        self._connections = connections
        connections.add(self)
        self._is_paused = is_paused
        self._transport.set_protocol(self)
        wheel = self._limits.wheel
        if wheel is not None:
            share = random.uniform(EARLIEST_SHARE, 1)  # noqa: S311 - spreads load
            self._slot = wheel.add(self, self._limits.ping_interval * share)

    def begin_lost(self) -> None:
        """The connection is over already: nothing is written, and the receiver hears it in the loop's next turn."""
        self._is_sealed = True
        asyncio.get_running_loop().call_soon(self.connection_lost, None, context=Context())

    # Out

    @property
    def is_closing(self) -> bool:
        """True once a close frame is on its way, or the connection is over: nothing is written after it."""
        return self._is_sealed

    def write(self, wire: bytes) -> bool:
        """Write whole frames; after a close it does nothing.

        False when more waits for the peer now than may wait; then the caller should `forget` and close. What waits
        alone may be larger.
        """
        if self._is_sealed:
            return True
        if not self._is_paused:
            self._transport.write(wire)
            return True
        self._wait(wire)
        return self._waiting_bytes <= self._limits.max_waiting or (
            self._waiting is not None and len(self._waiting) == 1
        )

    def _wait(self, wire: bytes) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(wire)
        self._waiting_bytes += max(len(wire), LEAST_WEIGHT)

    def forget(self) -> None:
        """Throw away what waits; what the transport has begun goes out. When a close waits too, the socket is cut."""
        if self._is_sealed and self._waiting:
            self.abort()
        self._waiting, self._waiting_bytes = None, 0

    def close(self, code: int, reason: str = "", *, is_answered: bool = True) -> None:
        """Send a close frame after what waits; the first close counts.

        The peer has the linger time to answer, unless nothing is expected of it any more.
        """
        if self._is_sealed:
            return
        self._parser.close(code, reason)
        self._answer()
        if self._holds & (_BUSY | _PACED):
            self._later(_TURN, 0)  # not now: the receiver may be in the middle of being told something
            self._release(_BUSY | _PACED)
        if not is_answered and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection now; what is unread stays so, and the kernel keeps nothing for a peer that has stopped."""
        self._unread = b""
        kernel = self._transport.get_extra_info("socket")
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    def shutdown(self) -> None:
        """The server ends; it calls this on each of its connections."""
        self.close(GOING_AWAY, "server shutting down")

    def _answer(self) -> None:
        """Write what the parser has to say, and see whether that is the end."""
        wire = self._parser.answer()
        if wire and not self._is_paused:
            self._transport.write(wire)
        elif wire and (self._waiting_bytes <= self._limits.max_waiting or not self._parser.is_open):
            self._wait(wire)  # over the bound a ping stays unanswered
        if not self._parser.is_open and not self._is_sealed:
            self._seal()
        if self._parser.is_finished:
            self._finish()

    def _seal(self) -> None:
        self._is_sealed = True
        self._stop_pings()
        self._linger = asyncio.get_running_loop().call_later(self._limits.linger, self.abort, context=Context())

    def _finish(self) -> None:
        """Close the connection, once nothing waits."""
        if self._waiting:
            return
        if self._parser.is_over:
            self._transport.close()
        else:
            # It failed in the middle of what the peer says. To close now, with that unread, would reset the
            # connection, and our close frame might be lost.
            self._transport.write_eof()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        while self._waiting and not self._is_paused:
            wire = self._waiting.popleft()
            self._waiting_bytes -= max(len(wire), LEAST_WEIGHT)
            self._transport.write(wire)
        if not self._waiting:
            self._waiting = None
            if self._is_sealed and self._parser.is_finished:
                self._finish()

    # In

    def pause_reading(self) -> None:
        """Have nothing more read, and `received`, until `resume_reading`, but for what comes in one go."""
        if not self._is_sealed:
            self._hold(_BUSY)

    def resume_reading(self) -> None:
        self._release(_BUSY)

    @property
    def is_held(self) -> bool:
        """True while nothing is read: that the peer is silent says nothing then."""
        return bool(self._holds)

    def _hold(self, why: int) -> None:
        if not self._holds:
            self._transport.pause_reading()
        self._holds |= why

    def _release(self, why: int) -> None:
        if not self._holds & why:
            return
        self._holds &= ~why
        if self._holds:
            return
        self._transport.resume_reading()
        if self._unread:
            self._read()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._holds:
            self._read()

    def _read(self) -> None:
        """One chunk; the next comes in another turn of the loop."""
        chunk, self._unread = self._unread[:CHUNK_BYTES], self._unread[CHUNK_BYTES:]
        self._awaits_pong = False
        if self._is_sealed and self._is_too_much(chunk):
            self.abort()
            return
        messages, frames = self._parser.feed(chunk)
        if self._parser.is_over:
            self.forget()
        self._answer()
        self._take_a_breath(frames, len(chunk))
        for message in messages:
            self._receiver.received(message)

    def _is_too_much(self, chunk: bytes) -> bool:
        self._bytes_after_close += len(chunk)
        return self._bytes_after_close > MAX_BYTES_AFTER_CLOSE

    def _take_a_breath(self, frames: int, size: int) -> None:
        """Whoever says too much is read more slowly, down to its own buffers."""
        if self._budget is None:
            self._budget = InboundBudget()
        seconds = self._budget.spend(size, frames)
        if seconds and self._is_sealed:
            self.abort()  # it has our close frame, and goes on all the same
        elif seconds:
            self._later(_PACED, seconds)
        elif self._unread:
            self._later(_TURN, 0)

    def _later(self, why: int, seconds: float) -> None:
        self._hold(why)
        asyncio.get_running_loop().call_later(seconds, self._release, why, context=Context())

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self._is_sealed = True
        self._stop_pings()
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self._waiting = None
        self._holds, self._unread = 0, b""  # what was to be read later is not
        if self._connections is not None:
            self._connections.discard(self)
        receiver = self._receiver
        del self._receiver  # the two know each other: this ends them without the garbage collector
        receiver.lost(self._parser.close_code, is_ours=self._parser.has_closed_first)

    # Pings

    def wake(self) -> None:
        """The wheel's turn: send a ping, or see whether anything came after the last one."""
        self._slot = None
        if not self._has_pinged:
            self.write(PING)
            self._awaits_pong = True
        elif self._awaits_pong and not self.is_held:
            self._receiver.silent()
            return
        self._has_pinged = not self._has_pinged
        limits = self._limits
        delay = limits.ping_timeout if self._has_pinged else max(0.0, limits.ping_interval - limits.ping_timeout)
        if limits.wheel is not None and not self._is_sealed:
            self._slot = limits.wheel.add(self, delay)

    def _stop_pings(self) -> None:
        if self._slot is not None and self._limits.wheel is not None:
            self._limits.wheel.discard(self, self._slot)
            self._slot = None
