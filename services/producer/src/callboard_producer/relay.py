"""From the outbox to the channels: what is committed is published, each sequence in order, each event once.

The guard in Redis makes a repeat a no-op and refuses to skip. Two things can go wrong, and neither may hold an
execution up for ever:

- The guard is behind what we publish. Then earlier events are still in the outbox, left there by a call that failed
  or not yet relayed by a replica that is at it: we read the outbox again and publish from its first event on.
- What the guard misses is in no outbox any more: it was relayed, and Redis has lost it since. The first event that
  the outbox still holds is then the base to go on from. Readers learn of the loss by the channel's new epoch.

So after an answer "behind" the first event of a fresh reading is published as a base. That cannot skip what nobody
published: an event leaves the outbox only once Redis has acknowledged it.
"""

import structlog
from callboard_contracts.channels import LOGS, ORG, Channel
from callboard_contracts.positions import Position
from callboard_servicekit.database import Database
from callboard_servicekit.relay.relay import Behind, Guard, LogPlace, Published, Relay, RelayUnavailable

from callboard_producer.metrics import ProducerMetrics
from callboard_producer.outbox import OutboxEvent, OutboxRepository, Subject
from callboard_producer.tables import OutboxKind

log = structlog.get_logger(__name__)

PAGE = 20
"""Events read at once: a chunk of log lines may be a mebibyte."""


class OutboxRelay:
    """Publishes what the outbox holds. Several replicas may do so for one execution at the same time."""

    def __init__(self, database: Database, relay: Relay, metrics: ProducerMetrics) -> None:
        self._database = database
        self._relay = relay
        self._metrics = metrics

    async def position(self, organization_id: str) -> Position:
        """Where the organisation's ``org`` channel stands; raises `RelayUnavailable`."""
        return await self._relay.position(organization_id, ORG)

    async def relay(self, subject: Subject, until: int, fresh: OutboxEvent | None = None) -> Position | None:
        """Publish what is left of a sequence, up to the number `until`, and take it out of the outbox.

        Args:
            subject: whose sequence; its changes up to `until` are committed.
            until: the last event that has to be out when this returns.
            fresh: the event with that number, when this call has just committed it.

        Returns:
            The position of the last event published, None when the outbox held nothing.

        Raises:
            RelayUnavailable: what is not out stays in the outbox.
        """
        with self._metrics.relay_seconds.time():
            done, position = await self._publish_pending(subject, until, fresh)
            if done:
                async with self._database.write() as unit:
                    await OutboxRepository(unit).forget(subject, until=done)
        return position

    async def _publish_pending(
        self, subject: Subject, until: int, fresh: OutboxEvent | None
    ) -> tuple[int, Position | None]:
        done, position, is_base = 0, None, False
        events = [fresh] if fresh is not None else await self._pending(subject, done, until)
        while events:
            for event in events:
                outcome = await self._publish(event, is_base=is_base)
                is_base = isinstance(outcome, Behind)
                if isinstance(outcome, Behind):
                    log.warning("relay_behind", task_id=subject.task_id, kind=subject.kind, last=outcome.last_sequence)
                    break
                done, position = event.sequence, outcome.position
                if fresh is None or event.sequence != fresh.sequence:
                    self._metrics.leftovers.inc()
            events = await self._pending(subject, done, until) if done < until else []
        return done, position

    async def _pending(self, subject: Subject, after: int, until: int) -> list[OutboxEvent]:
        async with self._database.read() as unit:
            return await OutboxRepository(unit).pending(subject, after=after, until=until, limit=PAGE)

    async def _publish(self, event: OutboxEvent, *, is_base: bool) -> Published | Behind:
        try:
            outcome = await self._give(event, is_base=is_base)
        except RelayUnavailable:
            self._metrics.failed.inc()
            raise
        (self._metrics.behind if isinstance(outcome, Behind) else self._metrics.published).inc()
        return outcome

    async def _give(self, event: OutboxEvent, *, is_base: bool) -> Published | Behind:
        subject = event.subject
        is_log = subject.kind is OutboxKind.LOGS
        return await self._relay.publish(
            subject.organization_id,
            LOGS if is_log else ORG,
            event.body,
            guard=Guard(subject.task_id, event.sequence, is_base),
            log=LogPlace(Channel.execution(subject.task_id), event.attempt, event.last_line) if is_log else None,
        )
