"""A transport whose other end is the test: it does what asyncio's and uvloop's promise, as strictly as either."""

import asyncio
import socket
import struct
from typing import Any, cast

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

HIGH_WATER, LOW_WATER = 1024, 256


class MemoryTransport(asyncio.Transport):
    """Bytes go to the peer while it reads; otherwise they wait, and above a mark the protocol is told to pause.

    What is told to the protocol comes as from a real one: the end, and what it has paused, in another turn of the loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.Protocol
        self.wire = bytearray()
        """What the peer has read."""
        self.is_stalled = False
        self.has_sent_eof = False
        self.is_aborted = False
        self.is_over = False
        self.has_no_linger = False
        self._is_closing = False
        self._is_reading = True
        self._is_paused = False
        self._buffer = bytearray()
        self._arrived: list[bytes] = []

    # For the protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Itself for the socket: it takes the one option that is set."""
        return self if name == "socket" else default

    def setsockopt(self, _level: int, option: int, value: bytes) -> None:
        assert (option, value) == (socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.has_no_linger = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast("asyncio.Protocol", protocol)

    def write(self, data: Any) -> None:
        assert not self.is_over, "the handle is closed"
        assert not self.has_sent_eof, "writes after its own end"
        if self._is_closing:
            return
        self._buffer += data
        self._flush()
        if len(self._buffer) > HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self.protocol.pause_writing()

    def write_eof(self) -> None:
        assert not self.is_over, "the handle is closed"
        self.has_sent_eof = True

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._end_when_flushed()

    def abort(self) -> None:
        assert self.has_no_linger, "the kernel would keep what is unsent"
        if not self.is_aborted and not self.is_over:
            self._is_closing = self.is_aborted = True
            self._buffer.clear()
            self._end()

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return self._is_reading and not self._is_closing

    def pause_reading(self) -> None:
        self._is_reading = False

    def resume_reading(self) -> None:
        self._is_reading = True
        asyncio.get_running_loop().call_soon(self._deliver)

    # For the peer

    def send(self, *data: bytes) -> None:
        """Have it arrive in so many reads; it is read when the protocol lets it."""
        self._arrived += data
        self._deliver()

    def read(self) -> None:
        """Read all that waits, and go on reading."""
        self.is_stalled = False
        self._flush()

    def stall(self) -> None:
        """Stop reading, with more on the way than the transport takes without a word."""
        self.is_stalled = True

    def go(self, error: Exception | None = None) -> None:
        """Be gone, without a word or with a reset."""
        if not self._is_closing:
            if error is None:
                keeps_open = self.protocol.eof_received()
                assert not keeps_open
            self._is_closing = True
            self._end(error)

    @property
    def has_unread(self) -> bool:
        """True while something that was sent has not been read."""
        return bool(self._arrived)

    def frames(self) -> list[tuple[Opcode, bytes]]:
        """What the peer has read, as `websockets`' client understands it."""
        parser = Protocol(Side.CLIENT, max_size=None)
        parser.receive_data(bytes(self.wire))
        assert parser.parser_exc is None
        frames = [cast("Frame", event) for event in parser.events_received()]
        return [(frame.opcode, bytes(frame.data)) for frame in frames]

    def _deliver(self) -> None:
        while self._arrived and self.is_reading():
            self.protocol.data_received(self._arrived.pop(0))

    def _flush(self) -> None:
        if self.is_stalled:
            return
        self.wire += self._buffer
        self._buffer.clear()
        if self._is_paused and not self._is_closing:
            self._is_paused = False
            self.protocol.resume_writing()
        if self._is_closing:
            self._end_when_flushed()

    def _end_when_flushed(self) -> None:
        if not self._buffer:
            self._end()

    def _end(self, error: Exception | None = None) -> None:
        asyncio.get_running_loop().call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        if not self.is_over:
            self.is_over = True
            self.protocol.connection_lost(error)
