"""What waits for a client that fetches it: everything it receives is in here, in the order in which it happened."""

from collections import deque

from callboard_social.wire.protocol import Frame

MAX_PENDING_BYTES = 1024 * 1024
"""Bound of what waits for one slow reader; beyond it the socket is closed, and its client comes back. A frame that
waits alone may be larger: whoever reads gets it."""
LEAST_WEIGHT = 64
"""What the smallest frame counts for: hundreds of thousands of them would take far more memory than they have bytes."""


class Lane:
    """Frames that wait for one reader. To put one in never waits, so the hub never waits for a client."""

    __slots__ = ("_frames", "_pending_bytes")

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._pending_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._frames)

    def put(self, frame: Frame) -> bool:
        """Add a frame; False when more waits now than may wait."""
        self._frames.append(frame)
        self._pending_bytes += max(frame.size, LEAST_WEIGHT)
        return self._pending_bytes <= MAX_PENDING_BYTES or len(self._frames) == 1

    @property
    def first(self) -> Frame:
        """The frame that has waited longest; raises IndexError when none does."""
        return self._frames[0]

    def take(self) -> Frame:
        """The first frame, which waits no longer."""
        frame = self._frames.popleft()
        self._pending_bytes -= max(frame.size, LEAST_WEIGHT)
        return frame

    def take_all(self) -> list[Frame]:
        """All frames; none waits any longer."""
        frames = list(self._frames)
        self.clear()
        return frames

    def clear(self) -> None:
        """Throw away what waits."""
        self._frames.clear()
        self._pending_bytes = 0
