"""Looks after what waits in the outbox, for those who watch the producer; relays nothing."""

import asyncio
import json
from datetime import datetime

import structlog
from callboard_servicekit.database import Database
from sqlalchemy.exc import SQLAlchemyError

from callboard_producer.clock import Clock
from callboard_producer.metrics import ProducerMetrics
from callboard_producer.outbox import OutboxRepository

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 15.0


class OutboxWatch:
    """While the database is away the last figures stand."""

    def __init__(self, database: Database, metrics: ProducerMetrics, clock: Clock) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                log.warning("outbox_not_seen", error=type(error).__name__)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def look(self) -> None:
        """Take the figures once; raises when the database is away."""
        async with self._database.read() as unit:
            count, oldest = await OutboxRepository(unit).backlog()
        self._metrics.outbox_events.set(count)
        age = (self._clock() - datetime.fromisoformat(json.loads(oldest)["at"])).total_seconds() if oldest else 0.0
        self._metrics.outbox_oldest_seconds.set(max(0.0, age))
