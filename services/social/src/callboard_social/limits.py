"""Limits per socket, session and address, on this replica."""

import time
from collections.abc import Callable

from cachetools import TTLCache
from callboard_servicekit.errors import TooManyRequests

MAX_CHANNELS = 128
"""Bound of the channels that one socket is in."""
MAX_MESSAGE_VALUES = 1_000
"""Bound of the values in one message: 64 KiB could hold 20,000, and take everybody 10 ms to look at."""
MAX_VIOLATIONS_PER_MINUTE = 100
WINDOW_SECONDS = 60
TRACKED_NAMES = 100_000
"""Bound of what is remembered; beyond it the oldest window is forgotten."""


class RateLimit:
    """At most so many in the minute that begins with the first, counted by a name.

    One that nothing was spent of takes next to no memory: there may be one for every socket.
    """

    __slots__ = ("_clock", "_on_refusal", "_per_minute", "_windows")

    def __init__(
        self, per_minute: int, on_refusal: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._on_refusal = on_refusal
        self._clock = clock
        self._windows: TTLCache[str, list[float]] | None = None

    def require(self, name: str) -> None:
        """Raises `TooManyRequests` when the minute has had enough."""
        window = self._windows.get(name, []) if self._windows is not None else []
        if len(window) >= self._per_minute:
            self._on_refusal()
            raise TooManyRequests(int(window[0] + WINDOW_SECONDS - self._clock()) + 1)

    def spend(self, name: str) -> None:
        """Count one; raises `TooManyRequests` when the minute has had enough, and then does not count it."""
        self.require(name)
        if self._windows is None:
            self._windows = TTLCache(TRACKED_NAMES, WINDOW_SECONDS, timer=self._clock)
        if name not in self._windows:
            self._windows[name] = []
        self._windows[name].append(self._clock())
