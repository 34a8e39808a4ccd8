"""What auth does by itself: ends what has run out, and keeps the revocation stream whole."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from callboard_servicekit.database import Database

from callboard_auth.metrics import AuthMetrics
from callboard_auth.revocations.publisher import MARGIN, OUTAGES, TRIM_EVERY, RevocationPublisher
from callboard_auth.sessions.repository import SessionRepository
from callboard_auth.sessions.service import end_expired_sessions
from callboard_auth.tokens.service import revoke_expired_tokens

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 1.0
BATCH = 200
"""Bound of one unit of work: on SQLite it keeps every other writer waiting."""


class Upkeep:
    """One round a second; an outage of SQL or Redis is logged when it begins and when it is over."""

    def __init__(
        self,
        database: Database,
        publisher: RevocationPublisher,
        metrics: AuthMetrics,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._expired = (
            (end_expired_sessions, metrics.sessions_ended.labels("expired")),
            (revoke_expired_tokens, metrics.api_tokens_ended.labels("expired")),
        )
        self._clock = clock
        self._failing: set[str] = set()
        self._tidy_at = clock()

    async def run(self) -> None:
        while True:
            await self._attempt("end_expired", self.end_expired)
            await self._attempt("keep_up", self._publisher.keep_up)
            await self._attempt("tidy", self._tidy)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def end_expired(self) -> None:
        """End sessions and API tokens that have run out, all of them, in bounded units of work."""
        for end, ended in self._expired:
            count = BATCH
            while count == BATCH:
                async with self._database.write() as unit:
                    count = await end(unit, self._clock(), BATCH)
                ended.inc(count)

    async def _tidy(self) -> None:
        now = self._clock()
        if now < self._tidy_at:
            return
        async with self._database.write() as unit:
            await SessionRepository(unit).forget_refresh_tokens(now - MARGIN)
        self._tidy_at = now + TRIM_EVERY

    async def _attempt(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except OUTAGES as error:
            if name not in self._failing:
                log.warning("upkeep_failing", step=name, error=type(error).__name__)
            self._failing.add(name)
        else:
            if name in self._failing:
                log.info("upkeep_works_again", step=name)
            self._failing.discard(name)
