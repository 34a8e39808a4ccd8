"""Pings at the interval that the client was told, and notices when nothing comes back."""

import asyncio
from datetime import timedelta
from typing import Protocol

from callboard_social.handoff import Wheel

SLACK_SECONDS = 0.05
"""A ping that leaves later than planned by less than this, and the wheel's step, puts off neither its deadline nor the
next one: what the handshake announced holds to the millisecond."""


class Rhythm:
    """What the heartbeats of a server share: the times that clients are told, in seconds, and one timer for all."""

    __slots__ = ("interval", "slack", "timeout", "wheel")

    def __init__(self, interval: timedelta, timeout: timedelta) -> None:
        self.interval = interval.total_seconds()
        self.timeout = timeout.total_seconds()
        self.wheel = Wheel.for_pings(self.interval, self.timeout)
        self.slack = self.wheel.step + SLACK_SECONDS


class Beating(Protocol):
    """Whose heartbeat it is."""

    @property
    def is_busy(self) -> bool:
        """True while what the client said is still being handled; nothing is read then, so silence says nothing."""
        ...

    def ping(self) -> None:
        """Send a ping; must not wait."""
        ...

    def silent(self) -> None:
        """Nothing was heard in time after a ping; called once, and last."""
        ...


class Heartbeat:
    """Wakes about twice an interval, whatever the traffic."""

    __slots__ = ("_deadline", "_is_awaited", "_next_ping", "_owner", "_rhythm", "_slot")

    def __init__(self, rhythm: Rhythm) -> None:
        self._rhythm = rhythm
        self._owner: Beating | None = None
        self._is_awaited = False
        self._next_ping = 0.0
        self._deadline = 0.0
        self._slot: int | None = None

    def start(self, owner: Beating) -> None:
        self._owner = owner
        self._next_ping = _now() + self._rhythm.interval
        self._wake_at(self._next_ping)

    def stop(self) -> None:
        if self._slot is not None:
            self._rhythm.wheel.discard(self, self._slot)
        # The two know each other: this ends them without the garbage collector.
        self._slot = self._owner = None

    def heard(self) -> None:
        """Any packet is a sign of life."""
        self._is_awaited = False

    @property
    def is_overdue(self) -> bool:
        """True when the deadline has passed, even if the wheel has not turned yet."""
        return self._owner is not None and self._is_missed(self._owner) and _now() >= self._deadline

    def _is_missed(self, owner: Beating) -> bool:
        return self._is_awaited and not owner.is_busy

    def _wake_at(self, when: float) -> None:
        self._slot = self._rhythm.wheel.add(self, when - _now())

    def wake(self) -> None:
        """The wheel's turn."""
        owner, now = self._owner, _now()
        self._slot = None
        if owner is None:
            return
        if not self._is_missed(owner):
            self._beat(owner, now)
        elif now < self._deadline:
            self._wake_at(self._deadline)
        else:
            self.stop()
            owner.silent()

    def _beat(self, owner: Beating, now: float) -> None:
        self._is_awaited = now >= self._next_ping
        if not self._is_awaited:
            self._wake_at(self._next_ping)
            return
        planned = max(self._next_ping, now - self._rhythm.slack)
        self._deadline = planned + self._rhythm.timeout
        self._next_ping = planned + self._rhythm.interval
        self._wake_at(min(self._deadline, self._next_ping))
        owner.ping()  # the last thing: it may stop the heartbeat


def _now() -> float:
    return asyncio.get_running_loop().time()
