"""What an operator counts in the producer."""

from collections.abc import Iterator
from contextlib import contextmanager

from callboard_servicekit.errors import ServiceError
from callboard_servicekit.telemetry import Telemetry
from prometheus_client import Counter, Histogram


class ProducerMetrics:
    """``outcome`` is ``created``, ``changed``, ``unchanged``, or the code of the problem that was answered."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self.updates = Counter(
            "callboard_producer_updates", "Status posts and creations.", ("outcome",), registry=registry
        )
        self.log_lines = Counter("callboard_producer_log_lines", "Log lines stored.", registry=registry)
        self.relay_seconds = Histogram(
            "callboard_producer_relay_seconds",
            "From the commit until the event is out and its outbox row is gone.",
            registry=registry,
        )
        self.leftovers = Counter(
            "callboard_producer_outbox_leftovers",
            "Events that a call left in the outbox and a later one relayed.",
            registry=registry,
        )

    @contextmanager
    def refused_updates(self) -> Iterator[None]:
        """Count what the block answers with a problem, under the problem's code."""
        try:
            yield
        except ServiceError as error:
            self.updates.labels(error.code).inc()
            raise
