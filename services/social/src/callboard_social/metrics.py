"""What social counts. Fan-out counts once per event, never per receiver; labels are known beforehand."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, TypeVar, get_args

from callboard_contracts import close_codes, native
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.events import EventType
from callboard_servicekit.metrics import LATENCY_BUCKETS, OTHER
from callboard_servicekit.telemetry import Telemetry
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from callboard_social.wire.engineio.options import Ending
from callboard_social.wire.protocol import Frame

UNKNOWN = "unknown"
_SERVER_FRAMES = tuple(frame.model_fields["type"].default for frame in get_args(native.ServerFrame))
_SOCKETIO_FRAMES = ("connect", "connect_error", "disconnect", "acknowledgement")
Child = TypeVar("Child", Counter, Gauge)

_PEER_CODES = frozenset({1000, 1001, 1005, 1006})
"""What clients close with; 1005 is also a client that is gone without a word."""


class Heard(NamedTuple):
    """An event, for the metrics: its type, when it says it happened, and when the bus was heard (`perf_counter`)."""

    kind: str
    at: str
    heard_at: float


class ByDialect(dict[str, Child]):
    """A metric's children by its one label; to look one up in the metric itself takes longer than to count."""

    def __init__(self, metric: Child) -> None:
        super().__init__()
        self._metric: Child = metric

    def __missing__(self, dialect: str) -> Child:
        child: Child = self._metric.labels(dialect)
        self[dialect] = child
        return child


class SocialMetrics:
    """Beside these, `app` adds gauges that are read from the hub and the bus."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._measure_sockets(registry)
        self._measure_tickets(registry)
        self._measure_messages(registry)
        self._measure_delivery(registry)

    def _measure_sockets(self, registry: CollectorRegistry) -> None:
        self.connections = ByDialect(
            Gauge("callboard_social_connections", "Open sockets.", ("dialect",), registry=registry)
        )
        self.opened = ByDialect(
            Counter("callboard_social_connections_opened", "Sockets that were let in.", ("dialect",), registry=registry)
        )
        self._closes = Counter(
            "callboard_social_closes",
            "Sockets closed, by which side and with which code.",
            ("side", "code"),
            registry=registry,
        )
        self.refused = Counter(
            "callboard_social_upgrades_refused", "Upgrades refused, by code.", ("code",), registry=registry
        )
        self.auth_seconds = Histogram(
            "callboard_social_auth_seconds",
            "Time to turn a credential into an identity.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.handshake_seconds = Histogram(
            "callboard_social_handshake_seconds",
            "From an upgrade request until the socket is open and its channels are joined.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._engine_endings = Counter(
            "callboard_social_engine_sessions_ended",
            "Engine.IO sessions that are over, by why.",
            ("reason",),
            registry=registry,
        )
        self._limited = Counter("callboard_social_rate_limited", "What a limit refused.", ("limit",), registry=registry)

    def _measure_tickets(self, registry: CollectorRegistry) -> None:
        self.tickets_minted = Counter(
            "callboard_social_tickets_minted", "ws-connect tokens given out.", registry=registry
        )
        self.tickets_presented = Counter(
            "callboard_social_tickets_presented", "ws-connect tokens presented.", ("outcome",), registry=registry
        )

    def _measure_messages(self, registry: CollectorRegistry) -> None:
        self._inbound = Counter(
            "callboard_social_messages_inbound", "Messages from clients.", ("type",), registry=registry
        )
        self._inbound_bytes = Counter("callboard_social_inbound_bytes", "Bytes of them.", registry=registry)
        outbound = Counter(
            "callboard_social_messages_outbound", "Messages put into sockets' lanes.", ("type",), registry=registry
        )
        self._outbound = {
            kind: outbound.labels(kind) for kind in (*EventType, *_SERVER_FRAMES, *_SOCKETIO_FRAMES, UNKNOWN)
        }
        self._outbound_bytes = Counter("callboard_social_outbound_bytes", "Bytes of them.", registry=registry)

    def _measure_delivery(self, registry: CollectorRegistry) -> None:
        self._delivery = Histogram(
            "callboard_social_delivery_seconds",
            "From the moment an event says it happened until it is written to the sockets; two clocks take part.",
            ("type",),
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._delivery_of = {kind: self._delivery.labels(kind) for kind in (*EventType, UNKNOWN)}
        self._fan_out = Histogram(
            "callboard_social_fan_out_seconds",
            "From hearing an event on the bus until it is written to the sockets.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.resets = Counter(
            "callboard_social_resets", "Channels whose members were sent to their snapshot.", registry=registry
        )
        self.bus_losses = Counter("callboard_social_bus_losses", "Times the bus was lost.", registry=registry)

    def limited(self, limit: str) -> Callable[[], None]:
        """To be called whenever this limit refuses."""
        child = self._limited.labels(limit)
        return child.inc

    def inbound(self, kind: str, size: int) -> None:
        """A message of a known type, or of the type `UNKNOWN`; `size` in bytes."""
        self._inbound.labels(kind).inc()
        self._inbound_bytes.inc(size)

    def outbound(self, frame: Frame, receivers: int = 1) -> None:
        self._outbound.get(frame.kind, self._outbound[UNKNOWN]).inc(receivers)
        self._outbound_bytes.inc(frame.size * receivers)

    def closed(self, code: CloseCode | None, peer_code: int | None) -> None:
        """A socket is over: with our code, or with its client's."""
        if peer_code is None:
            self._closes.labels("server", (code or close_codes.SHUTTING_DOWN).code).inc()
        else:
            self._closes.labels("client", peer_code if peer_code in _PEER_CODES else OTHER).inc()

    def engine_ended(self, ending: Ending) -> None:
        self._engine_endings.labels(ending).inc()

    def written(self, events: Sequence[Heard]) -> None:
        """Events are written, to all who read."""
        now, wall = time.perf_counter(), time.time()
        for kind, at, heard_at in events:
            self._fan_out.observe(now - heard_at)
            with suppress(ValueError):
                happened_at = datetime.fromisoformat(at).timestamp()
                self._delivery_of.get(kind, self._delivery_of[UNKNOWN]).observe(max(0.0, wall - happened_at))
