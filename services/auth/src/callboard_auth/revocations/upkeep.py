"""What auth does by itself: ends what has run out, forgets what is old, and keeps the revocation stream whole."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from callboard_servicekit.database import Database

from callboard_auth.audit.repository import AuditRepository
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
        *,
        audit_retention: timedelta,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._sessions_expired = metrics.sessions_ended.labels("expired")
        self._tokens_expired = metrics.api_tokens_ended.labels("expired")
        self._tokens_rotated = metrics.api_tokens_ended.labels("rotated")
        self._clock = clock
        self._audit_retention = audit_retention
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
        await _repeat(self._end_sessions)
        await _repeat(self._end_tokens)

    async def _end_sessions(self) -> int:
        async with self._database.write() as unit:
            count = await end_expired_sessions(unit, self._clock(), BATCH)
        self._sessions_expired.inc(count)
        return count

    async def _end_tokens(self) -> int:
        async with self._database.write() as unit:
            ended = await revoke_expired_tokens(unit, self._clock(), BATCH)
        rotated = sum(token.replaced_by is not None for token in ended)
        self._tokens_rotated.inc(rotated)
        self._tokens_expired.inc(len(ended) - rotated)
        return len(ended)

    async def _tidy(self) -> None:
        now = self._clock()
        if now < self._tidy_at:
            return
        async with self._database.write() as unit:
            await SessionRepository(unit).forget_refresh_tokens(now - MARGIN)
        await _repeat(self._forget_events)
        self._tidy_at = now + TRIM_EVERY

    async def _forget_events(self) -> int:
        async with self._database.write() as unit:
            return await AuditRepository(unit).forget(self._clock() - self._audit_retention, BATCH)

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


async def _repeat(step: Callable[[], Awaitable[int]]) -> None:
    """Go on while a step has found as much as it may do at once."""
    while await step() == BATCH:
        pass
