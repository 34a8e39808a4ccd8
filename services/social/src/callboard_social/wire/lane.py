"""The out-lane of one socket: everything it receives goes through it, in the order in which it happened."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from callboard_social.wire.protocol import Frame

MAX_PENDING_BYTES = 1024 * 1024
"""Bound of what waits for one slow reader; beyond it the socket is closed, and its client comes back. A frame that
waits alone may be larger: whoever reads gets it."""
LEAST_WEIGHT = 64
"""What the smallest frame counts for: hundreds of thousands of them would take far more memory than they have bytes."""
FRAMES_IN_A_ROW = 64


def _ignore() -> None:
    pass


class Lane:
    """Frames that wait for one reader. To put one in never waits, so the hub never waits for a client."""

    __slots__ = ("_frames", "_is_ended", "_pending_bytes", "on_change")

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._pending_bytes = 0
        self._is_ended = False
        self.on_change: Callable[[], None] = _ignore
        """Called when there is more to read, or nothing will come any more."""

    def __bool__(self) -> bool:
        return bool(self._frames)

    def put(self, frame: Frame) -> bool:
        """Add a frame; False when more waits now than may wait."""
        self._frames.append(frame)
        self._pending_bytes += max(frame.size, LEAST_WEIGHT)
        self.on_change()
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

    def clear(self) -> None:
        """Throw away what waits."""
        self._frames.clear()
        self._pending_bytes = 0

    def end(self) -> None:
        """Nothing is put in any more: whoever pours it out is done when it is empty."""
        self._is_ended = True
        self.on_change()

    async def pour(self, write: Callable[[Frame], Awaitable[None]]) -> None:
        """Write frames as they come, until the lane is ended and empty."""
        wake = asyncio.Event()
        self.on_change = wake.set
        while True:
            wake.clear()
            written = 0
            while self._frames:
                await write(self.take())
                written += 1
                if written % FRAMES_IN_A_ROW == 0:
                    await asyncio.sleep(0)  # sending does not pause while the peer reads
            if self._is_ended:
                return
            await wake.wait()
