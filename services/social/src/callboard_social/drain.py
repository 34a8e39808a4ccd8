"""The end of a node: every socket leaves in its turn, evenly over the drain window, so its clients come back evenly.

The window has three parts. In the first, the notice, newcomers are refused and nothing else happens. In the last one,
those who were told to leave have time to do so. Neither is more than an eighth: three quarters at least remain for
closing, and reconnects, with the noise of their jitter, stay under 1.5 times the sockets per window.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice

import structlog
from callboard_contracts import close_codes, native

from callboard_social.dialects.native import NativeDialect, frame_of
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.metrics import SocialMetrics
from callboard_social.wire.engineio.server import EngineServer

EDGE = 1 / 8
"""Of the window: what the notice takes at most, and what is left at the end for goodbyes."""
TICK_SECONDS = 0.05
"""However many there are, they leave in steps of about this."""
SHORTEST_RETURN_MS = 100
LONGEST_RETURN_MS = 1_000
"""Clients add a jitter of their own."""

log = structlog.get_logger(__name__)


class Drain:
    """Has everybody leave, for a while: who was here may be back on another node."""

    def __init__(
        self,
        hub: Hub,
        dialect: NativeDialect,
        engines: Sequence[EngineServer],
        metrics: SocialMetrics,
        notice: timedelta,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._hub = hub
        self._dialect = dialect
        self._engines = engines
        self._metrics = metrics
        self._notice = notice
        self._clock = clock
        self._sleep = sleep
        self._dismissed: set[Member] = set()

    async def run(self, window: timedelta) -> None:
        """Return when nobody is here any more, or the window is over; cancelled, have all leave at once."""
        began, seconds = self._clock(), window.total_seconds()
        log.info("drain_began", sockets=self._count())
        try:
            if self._is_attended:
                await self._sleep(min(self._notice.total_seconds(), seconds * EDGE))
                await self._dismiss_evenly(began + seconds * (1 - EDGE))
                await self._see_off(began + seconds)
        finally:
            for leave in list(self._turns()):
                leave()
            log.info("drain_ended", seconds=round(self._clock() - began, 1), is_empty=not self._is_attended)

    @property
    def _is_attended(self) -> bool:
        return bool(self._hub.members) or any(engine.sessions for engine in self._engines)

    def _count(self) -> int:
        """Of those who have not been told to leave."""
        return sum(1 for _ in self._turns())

    def _turns(self) -> Iterator[Callable[[], None]]:
        """What has each of them leave. Members that speak Socket.IO leave with the session that carries them."""
        for member in self._hub.members:
            if member.dialect is self._dialect and member not in self._dismissed:
                yield partial(self._dismiss, member)
        for engine in self._engines:
            yield from (session.shut_down for session in engine.sessions if not session.is_closing)

    async def _dismiss_evenly(self, until: float) -> None:
        """Spread who is here over the time that is left, each time anew: some go by themselves, a few still come."""
        while count := self._count():
            left = until - self._clock()
            share = count if left <= TICK_SECONDS else max(1, int(count * TICK_SECONDS / left))
            for leave in list(islice(self._turns(), share)):
                leave()
            if share < count:
                await self._sleep(share * left / count)

    def _dismiss(self, member: Member) -> None:
        self._dismissed.add(member)
        delay_ms = SHORTEST_RETURN_MS + secrets.randbelow(LONGEST_RETURN_MS - SHORTEST_RETURN_MS)
        frame = frame_of(native.Draining(retry_after_ms=delay_ms))
        self._metrics.outbound(frame)
        member.connection.enqueue(frame)
        member.connection.close(close_codes.SHUTTING_DOWN)

    async def _see_off(self, until: float) -> None:
        """Wait until they are gone; who was let in just before, and comes even now, leaves at once."""
        while self._is_attended and self._clock() < until:
            for leave in list(self._turns()):
                leave()
            await self._sleep(TICK_SECONDS)
