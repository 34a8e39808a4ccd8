"""From bytes to messages: `websockets`' protocol, and what it leaves to its user."""

import logging

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State
from websockets.streams import StreamReader

_INVALID_DATA = 1007
_NO_CLOSE_FRAME = 1006
_OF_MESSAGES = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
_NEXT_FRAME = StreamReader.at_eof.__code__
_log = logging.getLogger(__name__)


def _is_as_new(protocol: Protocol) -> bool:
    """True when nothing is half said: by where its parser waits, for what is read of a frame is in no buffer."""
    waits_in = getattr(protocol.parser, "gi_yieldfrom", None)
    is_between_frames = getattr(waits_in, "gi_code", None) is _NEXT_FRAME
    return is_between_frames and protocol.current_size is None and protocol.state is State.OPEN


class MessageParser:
    """Joins fragments and decodes text. What it has to answer is in `answer`, to be written before anything else.

    The protocol takes a kilobyte and next to no time to make. Most sockets listen and say nothing, so there is one only
    while something is half said, or closing.
    """

    __slots__ = ("_begun", "_is_text", "_max_message", "_protocol")

    def __init__(self, max_message: int) -> None:
        """`max_message` is in bytes."""
        self._max_message = max_message
        self._protocol: Protocol | None = None
        self._begun: bytearray | None = None
        self._is_text = False

    @property
    def _own(self) -> Protocol:
        if self._protocol is None:
            self._protocol = Protocol(Side.SERVER, max_size=self._max_message, logger=_log)
        return self._protocol

    @property
    def is_open(self) -> bool:
        """False once a close frame went out or came in: nothing is sent after it."""
        return self._protocol is None or self._protocol.state is State.OPEN

    @property
    def has_closed_first(self) -> bool:
        """True when a close frame of ours went out, and none had come in before."""
        protocol = self._protocol
        return protocol is not None and protocol.close_sent is not None and not protocol.close_rcvd_then_sent

    @property
    def close_code(self) -> int:
        """Of the close frame that came first; 1006 while there is none."""
        protocol = self._protocol
        if protocol is None:
            return _NO_CLOSE_FRAME
        close = protocol.close_sent if self.has_closed_first else protocol.close_rcvd
        return _NO_CLOSE_FRAME if close is None else close.code

    @property
    def is_over(self) -> bool:
        """True when the peer's close frame has come too: the connection can be closed."""
        return self._protocol is not None and self._protocol.close_rcvd is not None

    @property
    def is_finished(self) -> bool:
        """True when nothing will come out of it any more."""
        return self._protocol is not None and self._protocol.eof_sent

    def feed(self, data: bytes) -> tuple[list[str | bytes], int]:
        """The messages that are whole now, and how many frames there were, those of control included."""
        self._own.receive_data(data)
        frames, messages = self._own.events_received(), list[str | bytes]()
        for frame in frames:
            assert isinstance(frame, Frame)  # noqa: S101 - the handshake is over
            if frame.opcode not in _OF_MESSAGES:
                continue
            if not self._add(frame, messages):
                break
        return messages, len(frames)

    def _add(self, frame: Frame, messages: list[str | bytes]) -> bool:
        """Take a part of a message, and add the message once it is whole; False when it is none: that is a failure."""
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if not frame.fin or self._begun is not None:
            self._begun = self._begun or bytearray()
            self._begun += frame.data
        if not frame.fin:
            return True
        data, self._begun = frame.data if self._begun is None else self._begun, None
        try:
            messages.append(str(data, "utf-8") if self._is_text else bytes(data))
        except UnicodeDecodeError:
            if self.is_open:
                self._own.fail(_INVALID_DATA, "invalid UTF-8")
            return False
        return True

    def answer(self) -> bytes:
        """What has to be written: pongs, a close frame."""
        if self._protocol is None:
            return b""
        wire = b"".join(self._protocol.data_to_send())
        if _is_as_new(self._protocol):
            self._protocol = None
        return wire

    def close(self, code: int, reason: str) -> None:
        self._own.send_close(code, reason)
