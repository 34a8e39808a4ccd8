"""How much one socket may say: a bucket of messages and one of bytes, each filled up steadily."""

import time
from collections.abc import Callable

MESSAGES_PER_SECOND = 50.0
BURST_OF_MESSAGES = 200.0
"""A client that comes back subscribes to its channels all at once: they are at most 128."""
BYTES_PER_SECOND = 128 * 1024.0
BURST_OF_BYTES = 256 * 1024.0


class InboundBudget:
    """Every message costs all others on this node some time, whatever it says.

    Who is over the budget is read more slowly, down to the sender's own buffers. To close the socket instead would
    make it worse: until its peer answers, what it goes on sending is read and parsed all the same.
    """

    __slots__ = ("_at", "_bytes", "_clock", "_messages")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._messages = BURST_OF_MESSAGES
        self._bytes = BURST_OF_BYTES

    def spend(self, size: int, messages: int = 1) -> float:
        """Take messages of so many bytes; gives the seconds to wait before the next."""
        now = self._clock()
        passed, self._at = now - self._at, now
        self._messages = min(BURST_OF_MESSAGES, self._messages + passed * MESSAGES_PER_SECOND) - messages
        self._bytes = min(BURST_OF_BYTES, self._bytes + passed * BYTES_PER_SECOND) - size
        return max(0.0, -self._messages / MESSAGES_PER_SECOND, -self._bytes / BYTES_PER_SECOND)
