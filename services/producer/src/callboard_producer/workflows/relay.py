"""From a post to the channels: an event of an agent is kept in Redis alone, for as long as a channel's history.

Nothing of it is in SQL. Both channels get it in one step, so that they agree on the order, and a post with an id may
be sent again as often as it takes: at least once, and once for as long as the id is remembered.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard_contracts.channels import WORKFLOWS, Channel
from callboard_contracts.positions import Position
from callboard_contracts.wire import format_time
from callboard_contracts.workflows import MAX_DATA_BYTES, AgentEvent, AgentEventPost
from callboard_servicekit import strict_json
from callboard_servicekit.relay.relay import AlreadyPublishedOtherwise, Guard, Published, Relay, RelayUnavailable

from callboard_producer.clock import in_utc
from callboard_producer.errors import EventConflict, EventDataTooLarge
from callboard_producer.events import encode_event
from callboard_producer.metrics import ProducerMetrics

CONTENT_DIGITS = 16
"""Of a digest that tells two posts under one id apart; nobody gains by making two that agree."""


@dataclass(frozen=True, slots=True)
class Told:
    """The event is in both channels, in ``workflows`` at `position`; ``is_repeat``: an earlier post put it there."""

    id: str
    position: Position
    is_repeat: bool


class WorkflowRelay:
    """Publishes agents' events; `remembered` is the life of an id."""

    def __init__(self, relay: Relay, metrics: ProducerMetrics, remembered: timedelta) -> None:
        self._relay = relay
        self._metrics = metrics
        self._remembered = remembered

    async def tell(self, organization_id: str, workflow_id: str, post: AgentEventPost, now: datetime) -> Told:
        """Put an event into ``workflow:<id>`` and ``workflows``.

        Raises:
            EventDataTooLarge: its data is over the bound.
            TimeOutOfRange: its timestamp does not exist in UTC.
            EventConflict: another event of this workflow has the id.
            RelayUnavailable: it may or may not be out; with an id the same post again finds out.
        """
        if len(strict_json.dumps(post.data).encode()) > MAX_DATA_BYTES:
            raise EventDataTooLarge
        happened_at = in_utc(post.timestamp) if post.timestamp else None
        payload = AgentEvent(
            type=post.type, workflow_id=workflow_id, data=post.data, timestamp=happened_at or now
        ).model_dump(mode="json", by_alias=True)
        published = await self._publish(
            organization_id,
            workflow_id,
            encode_event(post.type.event_type, at=now, data=payload),
            self._guard(workflow_id, post, happened_at),
        )
        return Told(post.id or uuid.uuid4().hex, published.position, published.is_repeat)

    def _guard(self, workflow_id: str, post: AgentEventPost, happened_at: datetime | None) -> Guard | None:
        if post.id is None:
            return None
        # A timestamp that we gave would make a repeat look like another event.
        posted = [post.type, post.data, format_time(happened_at) if happened_at else None]
        digest = hashlib.sha256(json.dumps(posted, sort_keys=True).encode()).hexdigest()
        # Ids of two workflows need not differ; neither part holds a colon.
        subject = f"{workflow_id}:{post.id}"
        return Guard(subject, 1, life=self._remembered, content=digest[:CONTENT_DIGITS])

    async def _publish(self, organization_id: str, workflow_id: str, body: str, guard: Guard | None) -> Published:
        try:
            outcome = await self._relay.publish(
                organization_id, WORKFLOWS, body, guard=guard, second=Channel.workflow(workflow_id)
            )
        except RelayUnavailable:
            self._metrics.failed.inc()
            raise
        except AlreadyPublishedOtherwise as error:
            raise EventConflict from error
        assert isinstance(outcome, Published)  # noqa: S101 - nothing comes before the first number
        self._metrics.published.inc()
        return outcome
