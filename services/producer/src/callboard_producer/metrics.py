"""What an operator counts in the producer."""

from collections.abc import Iterator
from contextlib import contextmanager

from callboard_servicekit.errors import ServiceError
from callboard_servicekit.metrics import LATENCY_BUCKETS
from callboard_servicekit.telemetry import Telemetry
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


@contextmanager
def refusals_counted(counter: Counter) -> Iterator[None]:
    """Count what the block answers with a problem, under the problem's code."""
    try:
        yield
    except ServiceError as error:
        counter.labels(error.code).inc()
        raise


class ProducerMetrics:
    """``outcome`` is what came of a call, or the code of the problem that was answered.

    Of an update: ``created``, ``changed``, ``unchanged``; of log lines: ``stored``, ``repeated``; of an event of a
    workflow: ``published``, ``repeated``.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self.updates = Counter(
            "callboard_producer_updates", "Status posts and creations.", ("outcome",), registry=registry
        )
        self.log_appends = Counter(
            "callboard_producer_log_appends", "Chunks of log lines posted.", ("outcome",), registry=registry
        )
        self.log_lines = Counter("callboard_producer_log_lines", "Log lines stored.", registry=registry)
        self.log_bytes = Counter(
            "callboard_producer_log_bytes", "Log text stored, in bytes of UTF-8.", registry=registry
        )
        self.workflow_events = Counter(
            "callboard_producer_workflow_events", "Agents' events posted.", ("outcome",), registry=registry
        )
        self._measure_relay(registry)
        self._measure_outbox(registry)

    def _measure_relay(self, registry: CollectorRegistry) -> None:
        self.relay_seconds = Histogram(
            "callboard_producer_relay_seconds",
            "From the commit until the event is out and its outbox row is gone.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        relays = Counter(
            "callboard_producer_relays", "Events given to Redis, by what came of it.", ("outcome",), registry=registry
        )
        self.published = relays.labels("published")
        self.behind = relays.labels("behind")
        self.failed = relays.labels("failed")
        self.leftovers = Counter(
            "callboard_producer_outbox_leftovers",
            "Events that a call left in the outbox and a later one relayed.",
            registry=registry,
        )

    def _measure_outbox(self, registry: CollectorRegistry) -> None:
        self.outbox_events = Gauge(
            "callboard_producer_outbox_events",
            "Events in the outbox: committed, and not known to be relayed. The same on every replica.",
            registry=registry,
        )
        self.outbox_oldest_seconds = Gauge(
            "callboard_producer_outbox_oldest_seconds",
            "Age of the oldest event in the outbox; 0 when it is empty. The same on every replica.",
            registry=registry,
        )
