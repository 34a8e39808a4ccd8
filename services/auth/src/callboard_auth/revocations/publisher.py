"""Tells the other services what has ended, through the stream ``cb:revocations``.

At least once: an end and its revocation are committed together, and the row waits in SQL until Redis has it. When
Redis starts anew, all that may still matter is appended again, then a marker with its run id; whoever reads the
stream lets nobody in before that marker. Two replicas may do the same at the same time: readers keep a set.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from callboard_contracts.keys import REVOCATIONS
from callboard_contracts.revocations import Revocation, RevocationKind
from callboard_servicekit.database import Database
from callboard_servicekit.redis_connection import run_id
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.typing import EncodableT, FieldT
from sqlalchemy.exc import SQLAlchemyError

from callboard_auth.metrics import AuthMetrics
from callboard_auth.revocations.repository import RevocationRepository, StoredRevocation

log = structlog.get_logger(__name__)

OUTAGES = (RedisError, SQLAlchemyError, OSError)
BATCH = 500
MARGIN = timedelta(minutes=2)
"""How much longer than a token's life its revocation is kept: clocks differ, and so do seconds and their cuts."""
TRIM_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Marker:
    run_id: str
    entry_id: bytes | str


class RevocationPublisher:
    def __init__(
        self,
        redis: Redis,
        database: Database,
        metrics: AuthMetrics,
        *,
        token_life: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._redis = redis
        self._database = database
        self._metrics = metrics
        self._keep = token_life + MARGIN
        self._clock = clock
        self._marker: _Marker | None = None
        self._trim_at = clock() + TRIM_EVERY

    async def require_redis(self) -> None:
        """Raises when Redis is away: what is ended now would wait."""
        await self._redis.ping()

    async def publish_pending(self, subject_id: str | None = None) -> None:
        """Append what Redis has not been told yet, of one subject or of all; raises when Redis or SQL is away."""
        while True:
            async with self._database.read() as unit:
                pending = await RevocationRepository(unit).list_pending(subject_id, BATCH)
            if subject_id is None:
                self._metrics.revocations_pending.set(len(pending))
            await self._publish(pending)
            if len(pending) < BATCH:
                return

    async def _publish(self, pending: list[StoredRevocation]) -> None:
        if not pending:
            return
        for stored in pending:
            await _append(self._redis, stored.revocation)
        now = self._clock()
        async with self._database.write() as unit:
            await RevocationRepository(unit).mark_published([stored.id for stored in pending], now)
        self._metrics.revocations_published.inc(len(pending))
        for stored in pending:
            self._metrics.revocation_seconds.observe(max(0.0, now.timestamp() - stored.revocation.at))

    async def try_publish(self, subject_id: str) -> None:
        """The same, but an outage is only logged: `keep_up` finishes it later."""
        try:
            await self.publish_pending(subject_id)
        except OUTAGES as error:
            log.warning("revocation_waits", session_id=subject_id, error=type(error).__name__)

    async def keep_up(self) -> None:
        """One round: what is pending, what a new incarnation of Redis does not know, and once an hour a trim."""
        await self.publish_pending()
        # One connection for the rest: what is appended and the run id belong to one incarnation.
        async with self._redis.client() as connection:
            incarnation = await run_id(connection)
            if not await self._has_marker(connection, incarnation):
                await self._republish(connection)
                await self._mark(connection, incarnation)
            if self._clock() >= self._trim_at:
                # The marker anew before the trim, or the trim would take it.
                await self._mark(connection, incarnation)
                await self._trim(connection)

    async def _has_marker(self, connection: Redis, incarnation: str) -> bool:
        """True when our own marker is still in the stream: a flush, or another replica's trim, may have taken it."""
        if self._marker is None or self._marker.run_id != incarnation:
            return False
        entry_id = self._marker.entry_id
        return bool(await connection.xrange(REVOCATIONS, entry_id, entry_id))

    async def _republish(self, connection: Redis) -> None:
        since, last, count = self._clock() - self._keep, 0, 0
        while True:
            async with self._database.read() as unit:
                page = await RevocationRepository(unit).list_since(since, last, BATCH)
            if not page:
                break
            for stored in page:
                await _append(connection, stored.revocation)
            last, count = page[-1].id, count + len(page)
        log.info("revocations_republished", count=count)

    async def _mark(self, connection: Redis, incarnation: str) -> None:
        at = int(self._clock().timestamp())
        word = Revocation(kind=RevocationKind.REPUBLISHED, id=incarnation, org="-", at=at)
        self._marker = _Marker(incarnation, await _append(connection, word))

    async def _trim(self, connection: Redis) -> None:
        horizon = self._clock() - self._keep
        await connection.xtrim(REVOCATIONS, minid=int(horizon.timestamp() * 1000), approximate=True)
        async with self._database.write() as unit:
            await RevocationRepository(unit).forget_published(horizon)
        self._trim_at = self._clock() + TRIM_EVERY


async def _append(redis: Redis, revocation: Revocation) -> bytes | str:
    fields: dict[FieldT, EncodableT] = {
        "kind": revocation.kind.value,
        "id": revocation.id,
        "org": revocation.org,
        "at": str(revocation.at),
    }
    return await redis.xadd(REVOCATIONS, fields)
