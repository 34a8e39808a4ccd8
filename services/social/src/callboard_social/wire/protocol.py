"""What goes onto a socket."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded message, made once and shared by all who receive it; ``kind`` names it in the metrics.

    ``attachments`` are binary messages that follow the text; only Socket.IO has them. ``size`` is what it takes on
    the wire, in bytes, the text as UTF-8: counted once, for every lane asks.
    """

    kind: str
    text: str
    attachments: tuple[bytes, ...] = ()
    size: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", bytes_of(self.text) + sum(map(len, self.attachments)))


def bytes_of(message: str | bytes) -> int:
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
