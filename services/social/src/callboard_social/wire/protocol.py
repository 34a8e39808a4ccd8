"""What goes onto a socket."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded message, made once and shared by all who receive it; ``kind`` names it in the metrics.

    ``attachments`` are binary messages that follow the text; only Socket.IO has them.
    """

    kind: str
    text: str
    attachments: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Bytes on the wire, the text's as UTF-8."""
        return bytes_of(self.text) + sum(map(len, self.attachments))


def bytes_of(message: str | bytes) -> int:
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
