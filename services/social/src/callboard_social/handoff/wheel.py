"""One timer for any number of sockets: they are woken in steps, not to the microsecond."""

import asyncio
from contextvars import Context
from typing import Protocol

_STEPS = 50


class Entry(Protocol):
    def wake(self) -> None:
        """The time has come; must not wait. The entry is on the wheel no longer."""
        ...


class Wheel:
    """Entries by the step in which they are due, late by at most one step and never early.

    Args:
        step: seconds; what is due in one step is woken together.
    """

    def __init__(self, step: float) -> None:
        self.step = step
        self._slots: dict[int, dict[Entry, None]] = {}
        self._is_turning = False

    @classmethod
    def for_pings(cls, interval: float, timeout: float) -> "Wheel":
        """As exact as pings need it: a fiftieth of the shorter of their two times, in seconds."""
        return cls(min(interval, timeout) / _STEPS)

    def add(self, entry: Entry, delay: float) -> int:
        """Wake `entry` in `delay` seconds; gives the slot to `discard` it from."""
        slot = int((_now() + delay) / self.step) + 1
        self._slots.setdefault(slot, {})[entry] = None
        if not self._is_turning:
            self._is_turning = True
            self._plan()
        return slot

    def discard(self, entry: Entry, slot: int) -> None:
        """Do not wake it, unless that is done already."""
        entries = self._slots.get(slot)
        if entries is not None:
            entries.pop(entry, None)
            if not entries:
                del self._slots[slot]

    def _plan(self) -> None:
        """Turn when the next slot is due, and not a step from now: that might be nearly a step later."""
        next_slot = int(_now() / self.step) + 1
        # In a context of its own: the one of whoever came first would be held for ever.
        asyncio.get_running_loop().call_at(next_slot * self.step, self._turn, context=Context())

    def _turn(self) -> None:
        reached = int(_now() / self.step)
        try:
            # More than one when the loop was busy; whoever wakes may discard others of its slot.
            for slot in sorted(slot for slot in self._slots if slot <= reached):
                while entries := self._slots.get(slot):
                    entry, _ = entries.popitem()
                    entry.wake()
                self._slots.pop(slot, None)
        finally:  # one that fails does not stop it for all others
            self._is_turning = bool(self._slots)
            if self._is_turning:
                self._plan()


def _now() -> float:
    return asyncio.get_running_loop().time()
