"""Engine.IO packets, revision 4: a digit and its data, or ``b`` and base64; several of them make a payload."""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from callboard_social.wire.engineio.errors import MalformedPacket, PayloadTooLarge
from callboard_social.wire.protocol import Frame, bytes_of

SEPARATOR = "\x1e"
BINARY = "b"


class PacketType(StrEnum):
    OPEN = "0"
    CLOSE = "1"
    PING = "2"
    PONG = "3"
    MESSAGE = "4"
    UPGRADE = "5"
    NOOP = "6"


@dataclass(frozen=True, slots=True)
class Packet:
    """Binary data only ever comes as a message."""

    type: PacketType
    data: str | bytes = ""

    @property
    def size(self) -> int:
        """Bytes, the type included."""
        return 1 + bytes_of(self.data)


def decode_packet(text: str) -> Packet:
    """One packet; raises `MalformedPacket`.

    Base64 is taken on a WebSocket too: clients that are told not to use binary frames send it there.
    """
    if text.startswith(BINARY):
        return Packet(PacketType.MESSAGE, _decode_base64(text[1:]))
    try:
        return Packet(PacketType(text[:1]), text[1:])
    except ValueError:
        raise MalformedPacket from None


def _decode_base64(text: str) -> bytes:
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise MalformedPacket from None
    if _encode_base64(data) != text:
        raise MalformedPacket  # too much padding, which Python overlooks
    return data


def _encode_base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def decode_payload(body: bytes, max_packets: int) -> list[Packet]:
    """The packets of a request's body; raises `MalformedPacket` or `PayloadTooLarge`, and then gives none of them."""
    try:
        parts = body.decode().split(SEPARATOR, max_packets)
    except UnicodeDecodeError:
        raise MalformedPacket from None
    if len(parts) > max_packets:
        raise PayloadTooLarge
    return [decode_packet(part) for part in parts]


def encode_frame(frame: Frame) -> Iterator[str]:
    """The packets of a frame as a payload carries them."""
    if frame.text:
        yield frame.text
    for attachment in frame.attachments:
        yield BINARY + _encode_base64(attachment)
