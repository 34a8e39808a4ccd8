"""What carries a session: HTTP long-polling, or a WebSocket."""

from typing import Protocol

from callboard_social.wire.protocol import Batch, Frame


class Transport(Protocol):
    """What carries a session at the moment."""

    @property
    def is_attended(self) -> bool:
        """True while the client is there to be told something at once."""
        ...

    @property
    def is_held(self) -> bool:
        """True while the client is not listened to."""
        ...

    def put(self, frame: Frame) -> bool:
        """Have a frame sent after those before it; never waits. False when more waits now than may wait."""
        ...

    def write(self, batch: Batch) -> bool:
        """As `put`, for frames that others get too."""
        ...

    def clear(self) -> None:
        """Throw away what waits."""
        ...

    def leave(self) -> None:
        """The session closes: say so after what waits. Must not wait; may be called again."""
        ...
