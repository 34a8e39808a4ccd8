"""Engine.IO messages to packets: a text, then the attachments that it announced."""

from dataclasses import replace

from callboard_social.dialects.socketio.attachment import has_places_for, put_in
from callboard_social.dialects.socketio.packet import MalformedPacket, Packet, decode

MAX_ATTACHED_BYTES = 1_000_000
"""Bound of all attachments of one packet together: they are kept until the last one is there."""


class PacketReader:
    """Keeps one packet that is not complete yet; after a `MalformedPacket` it is of no use."""

    __slots__ = ("_attached_bytes", "_attachments", "_awaited", "_packet", "_unwanted")

    def __init__(self) -> None:
        self._packet: Packet | None = None
        self._awaited = 0
        self._attachments: list[bytes] = []
        self._attached_bytes = 0
        self._unwanted = 0

    @property
    def begun(self) -> Packet | None:
        """The packet that waits for attachments."""
        return self._packet

    def read(self, message: str | bytes) -> Packet | None:
        """The packet that this message completes, if it does; raises `MalformedPacket`."""
        return self._attach(message) if isinstance(message, bytes) else self._begin(message)

    def discard(self) -> None:
        """Let go of the packet that waits: its attachments are still taken, and it is never complete."""
        self._unwanted = self._awaited - len(self._attachments)
        self._reset()

    def _reset(self) -> None:
        self._packet, self._attachments, self._attached_bytes = None, [], 0

    def _begin(self, text: str) -> Packet | None:
        if self._packet is not None or self._unwanted:
            raise MalformedPacket("a text while attachments are missing")
        packet, count = decode(text)
        if count is not None and not has_places_for(packet.data, count):
            raise MalformedPacket("the attachments and their places differ")
        if not count:
            return packet
        self._packet, self._awaited = packet, count
        return None

    def _attach(self, attachment: bytes) -> Packet | None:
        if self._unwanted:
            self._unwanted -= 1
            return None
        if self._packet is None:
            raise MalformedPacket("an attachment that nothing announced")
        self._attached_bytes += len(attachment)
        if self._attached_bytes > MAX_ATTACHED_BYTES:
            raise MalformedPacket("attachments are too large")
        self._attachments.append(attachment)
        if len(self._attachments) < self._awaited:
            return None
        packet = replace(self._packet, data=put_in(self._packet.data, self._attachments))
        self._reset()
        return packet
