"""What goes onto a socket."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded message, made once and shared by all who receive it; ``kind`` names it in the metrics."""

    kind: str
    text: str

    @property
    def size(self) -> int:
        """Bytes of UTF-8."""
        return bytes_of(self.text)


def bytes_of(message: str | bytes) -> int:
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
