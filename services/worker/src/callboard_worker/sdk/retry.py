"""Sending until it is acknowledged: what is tried again, after how long, and when patience ends."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from callboard_worker.sdk.errors import GatewayUnreachable

TEMPORARY_STATUSES = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
MAX_RETRY_AFTER_SECONDS = 120.0
"""A longer Retry-After is cut to this, lest a slip at the other end silence a worker for a day."""
_MAX_DOUBLINGS = 16
"""Beyond it the cap has long been reached; 2**n of a long outage would overflow a float."""
_NOT_TEMPORARY = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Transport errors that are our own: the same call fails the same way for ever."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock, sleep and randomness, as arguments."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = field(default_factory=lambda: random.SystemRandom().uniform)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential delays with full jitter. ``patience`` bounds the whole of one call; None is for ever.

    ``max_attempts`` is 1 for what must not be sent twice; None is no bound.
    """

    base: timedelta = timedelta(milliseconds=200)
    cap: timedelta = timedelta(seconds=10)
    patience: timedelta | None = None
    max_attempts: int | None = None

    def jitter_seconds(self, failures: int, timing: Timing) -> float:
        """A delay after the n-th failure in a row, n from 1: anywhere between nothing and the ceiling."""
        ceiling = self.base.total_seconds() * 2.0 ** min(failures - 1, _MAX_DOUBLINGS)
        return timing.uniform(0.0, min(self.cap.total_seconds(), ceiling))


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """Told before each wait: how many attempts have failed, why the last one did, how long the wait is."""

    failures: int
    reason: str
    delay_seconds: float


def retry_after_seconds(header: str | None, now: datetime) -> float:
    """What a Retry-After asks for, in seconds from now; 0 without one or for one that cannot be read."""
    if header is None:
        return 0.0
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (aware - now).total_seconds()), MAX_RETRY_AFTER_SECONDS)


@dataclass(slots=True)
class Delivery:
    """One call, from its first attempt to its answer."""

    policy: RetryPolicy
    timing: Timing
    on_retry: Callable[[RetryNotice], None]
    failures: int = 0
    reason: str = ""

    async def until_acknowledged(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """The first answer that is not temporary, be it yes or no. Raises GatewayUnreachable."""
        patience = self.policy.patience
        deadline = None if patience is None else self.timing.monotonic() + patience.total_seconds()
        while True:
            asked_delay = 0.0
            try:
                async with asyncio.timeout(self._left(deadline)):
                    response = await send()
            except TimeoutError:
                # Our own patience; what failed before tells more.
                self.reason = self.reason or "no answer in time"
            except _NOT_TEMPORARY:
                raise
            except httpx.TransportError as error:
                self.reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            else:
                if response.status_code not in TEMPORARY_STATUSES:
                    return response
                self.reason = f"HTTP {response.status_code}"
                asked_delay = retry_after_seconds(response.headers.get("retry-after"), self.timing.now())
            await self._wait(asked_delay, deadline)

    def _left(self, deadline: float | None) -> float | None:
        return None if deadline is None else max(0.0, deadline - self.timing.monotonic())

    async def _wait(self, asked_delay: float, deadline: float | None) -> None:
        self.failures += 1
        # On top of what was asked for: all clients of one outage were asked for the same.
        delay = asked_delay + self.policy.jitter_seconds(self.failures, self.timing)
        out_of_time = deadline is not None and self.timing.monotonic() + delay >= deadline
        if out_of_time or self.failures == self.policy.max_attempts:
            raise GatewayUnreachable(self.failures, self.reason)
        self.on_retry(RetryNotice(self.failures, self.reason, delay))
        await self.timing.sleep(delay)
