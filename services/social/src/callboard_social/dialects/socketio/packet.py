"""One Socket.IO packet, and its text.

``<type>[<attachments>-][<namespace>,][<acknowledgment id>][JSON]``; bytes in the payload travel as attachments behind
it (`attachment`). python-socketio's own codec is not used: it takes digits of any script, an attachment count on every
type, ids of a hundred digits, cuts a query off a namespace and checks no payload, and all of that would be done anew.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from callboard_servicekit import strict_json

from callboard_social.dialects.socketio.attachment import MAX_ATTACHMENTS, take_out
from callboard_social.limits import MAX_MESSAGE_VALUES
from callboard_social.wire.protocol import Frame

MAIN = "/"
"""The main namespace: it alone is left out of the text."""
MAX_NAMESPACE_CHARACTERS = 128
MAX_ACKNOWLEDGEMENT_ID = 2**53 - 1
"""What every client counts exactly."""
_MAX_ID_DIGITS = len(str(MAX_ACKNOWLEDGEMENT_ID))
RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
_MESSAGE = "4"
"""What Engine.IO puts before each message."""
_HEADER = re.compile(r"([0-6])(?:([0-9]+)-)?(?:(/[^,]*),?)?([0-9]*)")


class PacketType(IntEnum):
    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


_PLAIN = {PacketType.BINARY_EVENT: PacketType.EVENT, PacketType.BINARY_ACK: PacketType.ACK}
_BINARY = {plain: binary for binary, plain in _PLAIN.items()}


class MalformedPacket(Exception):
    """A peer does not follow the protocol; the message says how, without repeating the input."""


@dataclass(frozen=True, slots=True)
class Packet:
    """`data` holds bytes where the text has placeholders, so the two binary types appear only on the wire.

    CONNECT: an object or None. DISCONNECT: None. EVENT: the event's name, then its arguments. ACK: the arguments.
    """

    type: PacketType
    namespace: str = MAIN
    data: Any = None
    id: int | None = None


def encode(packet: Packet, kind: str) -> Frame:
    """The Engine.IO messages of a packet.

    Raises:
        ValueError: for more than `MAX_ATTACHMENTS`, for data beside attachments that would be taken for one, and for
            NaN and Infinity.
    """
    data, attachments = take_out(packet.data)
    text = f"{_MESSAGE}{packet.type:d}"
    if attachments:
        text = f"{_MESSAGE}{_BINARY[packet.type]:d}{len(attachments)}-"
    if packet.namespace != MAIN:
        text += f"{packet.namespace},"
    if packet.id is not None:
        text += str(packet.id)
    if data is not None:
        text += strict_json.dumps(data)
    return Frame(kind, text, attachments)


def decode(text: str) -> tuple[Packet, int | None]:
    """A packet, placeholders still in it, and the number of attachments that follow; None where placeholders are data.

    Raises `MalformedPacket`.
    """
    header = _HEADER.match(text)
    if header is None:
        raise MalformedPacket("unknown packet type")
    digit, count, namespace, digits = header.groups()
    sent_as = PacketType(int(digit))
    attachments = _attachment_count(sent_as, count)
    kind = _PLAIN.get(sent_as, sent_as)
    packet = Packet(kind, _namespace(namespace), _payload(kind, text[header.end() :]), _acknowledgement_id(digits))
    if (packet.id is not None and kind not in _BINARY) or (packet.id is None and kind is PacketType.ACK):
        raise MalformedPacket("an acknowledgment id where there is none, or none where there is one")
    return packet, attachments


def event_name(data: list[Any]) -> str:
    """The name of an event; one that is a number is the same as its text."""
    return str(data[0])


def _attachment_count(sent_as: PacketType, count: str | None) -> int | None:
    if (sent_as in _PLAIN) != (count is not None):
        raise MalformedPacket("a number of attachments is missing, or out of place")
    if count is None:
        return None
    if len(count) > len(str(MAX_ATTACHMENTS)) or int(count) > MAX_ATTACHMENTS:
        raise MalformedPacket("too many attachments")
    return int(count)


def _namespace(name: str | None) -> str:
    if name is None:
        return MAIN
    if len(name) > MAX_NAMESPACE_CHARACTERS or not name.isprintable():
        raise MalformedPacket("not a namespace")
    return name


def _acknowledgement_id(digits: str) -> int | None:
    if not digits:
        return None
    if len(digits) > _MAX_ID_DIGITS or int(digits) > MAX_ACKNOWLEDGEMENT_ID:
        raise MalformedPacket("an acknowledgment id is too large")
    return int(digits)


def _payload(kind: PacketType, text: str) -> Any:
    if not text:
        if kind in {PacketType.CONNECT, PacketType.DISCONNECT}:
            return None
        raise MalformedPacket("a payload is missing")
    try:
        data = strict_json.loads(text, max_values=MAX_MESSAGE_VALUES)
    except strict_json.InvalidJson as error:
        raise MalformedPacket(f"a payload is not valid: {error}") from error
    if not _is_valid(kind, data):
        raise MalformedPacket("a payload is not what this packet carries")
    return data


def _is_valid(kind: PacketType, data: Any) -> bool:
    if kind in {PacketType.CONNECT, PacketType.CONNECT_ERROR}:
        return isinstance(data, dict)
    if kind is PacketType.EVENT:
        return isinstance(data, list) and bool(data) and _is_event_name(data[0])
    return kind is PacketType.ACK and isinstance(data, list)


def _is_event_name(name: Any) -> bool:
    if isinstance(name, str):
        return name not in RESERVED_EVENTS
    return isinstance(name, int | float) and not isinstance(name, bool)
