"""What goes onto a socket."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from callboard_social.handoff.frames import binary_frame, text_frame


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded message, made once and shared by all who receive it; ``kind`` names it in the metrics.

    ``attachments`` are binary messages that follow the text; only Socket.IO has them, and then the text may be empty.
    ``size`` is what it takes, in bytes, the text as UTF-8; ``wire`` is all of it as WebSocket frames.
    """

    kind: str
    text: str
    attachments: tuple[bytes, ...] = ()
    size: int = field(init=False, repr=False, compare=False)
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", bytes_of(self.text) + sum(map(len, self.attachments)))
        text = text_frame(self.text) if self.text else b""
        object.__setattr__(self, "wire", text + b"".join(map(binary_frame, self.attachments)))


class Batch:
    """Frames that go to one socket together; shared by all sockets that get the same ones."""

    __slots__ = ("frames", "wire")

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = tuple(frames)
        self.wire = frames[0].wire if len(frames) == 1 else b"".join([frame.wire for frame in frames])


def bytes_of(message: str | bytes) -> int:
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
