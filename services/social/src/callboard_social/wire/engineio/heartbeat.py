"""Pings at the interval that the client was told, and notices when nothing comes back."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

SLACK_SECONDS = 0.05
"""A ping that leaves later than planned by less than this does not put its deadline off: what the handshake announced
holds to the millisecond."""


class Heartbeat:
    """One timer, which wakes about twice an interval whatever the traffic.

    Args:
        ping: sends a ping; must not wait.
        lost: called once, when nothing was heard for `timeout` after a ping.
        is_busy: True while what the client said is still being handled; nothing is read then, so silence says nothing.
    """

    __slots__ = (
        "_deadline",
        "_interval",
        "_is_awaited",
        "_is_busy",
        "_lost",
        "_next_ping",
        "_ping",
        "_timeout",
        "_timer",
    )

    def __init__(
        self,
        interval: timedelta,
        timeout: timedelta,
        *,
        ping: Callable[[], None],
        lost: Callable[[], None],
        is_busy: Callable[[], bool],
    ) -> None:
        self._interval = interval.total_seconds()
        self._timeout = timeout.total_seconds()
        self._ping = ping
        self._lost = lost
        self._is_busy = is_busy
        self._is_awaited = False
        self._next_ping = 0.0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._next_ping = asyncio.get_running_loop().time() + self._interval
        self._wake_at(self._next_ping)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def heard(self) -> None:
        """Any packet is a sign of life."""
        self._is_awaited = False

    @property
    def is_overdue(self) -> bool:
        """True when the deadline has passed, even if the timer has not run yet."""
        now = asyncio.get_running_loop().time()
        return self._timer is not None and self._is_awaited and now >= self._deadline and not self._is_busy()

    def _wake_at(self, when: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(when, self._beat)

    def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._is_awaited and not self._is_busy():
            if now < self._deadline:
                self._wake_at(self._deadline)
            else:
                self._timer = None
                self._lost()
            return
        self._is_awaited = now >= self._next_ping
        if not self._is_awaited:
            self._wake_at(self._next_ping)
            return
        planned = max(self._next_ping, now - SLACK_SECONDS)
        self._deadline = planned + self._timeout
        self._next_ping = planned + self._interval
        self._wake_at(min(self._deadline, self._next_ping))
        self._ping()  # the last thing: it may stop the heartbeat
