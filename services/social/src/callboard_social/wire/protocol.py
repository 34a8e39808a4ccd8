"""What goes onto a socket."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded message, made once and shared by all who receive it; ``kind`` names it in the metrics."""

    kind: str
    text: str
