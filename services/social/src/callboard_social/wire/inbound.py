"""How much one socket may say: a bucket of messages and one of bytes, each filled up steadily."""

import time
from collections.abc import Callable

MESSAGES_PER_SECOND = 50.0
BURST_OF_MESSAGES = 500.0
"""A client that comes back subscribes to its channels all at once: they are at most 128."""
BYTES_PER_SECOND = 128 * 1024.0
BURST_OF_BYTES = 2 * 1024 * 1024.0


class InboundBudget:
    """Every message costs all others on this node some time, whatever it says."""

    __slots__ = ("_at", "_bytes", "_clock", "_messages")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._messages = BURST_OF_MESSAGES
        self._bytes = BURST_OF_BYTES

    def spend(self, size: int) -> bool:
        """Take one message of so many bytes; False when it is more than may be said now."""
        now = self._clock()
        passed, self._at = now - self._at, now
        self._messages = min(BURST_OF_MESSAGES, self._messages + passed * MESSAGES_PER_SECOND) - 1
        self._bytes = min(BURST_OF_BYTES, self._bytes + passed * BYTES_PER_SECOND) - size
        return self._messages >= 0 and self._bytes >= 0
