"""What social counts. Names follow the field's: gauge of connections, counters of messages by type."""

from callboard_servicekit.telemetry import Telemetry
from prometheus_client import Counter, Gauge, Histogram


class SocialMetrics:
    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self.connections = Gauge("callboard_social_connections", "Open sockets.", registry=registry)
        self.inbound = Counter(
            "callboard_social_messages_inbound", "Messages from clients.", ("type",), registry=registry
        )
        self._outbound = Counter(
            "callboard_social_messages_outbound", "Events put into sockets' lanes.", ("type",), registry=registry
        )
        self.refused = Counter(
            "callboard_social_upgrades_refused", "Upgrades refused, by code.", ("code",), registry=registry
        )
        self.auth_seconds = Histogram(
            "callboard_social_auth_seconds", "Time to turn a credential into an identity.", registry=registry
        )
        self.bus_losses = Counter("callboard_social_bus_losses", "Times the bus was lost.", registry=registry)

    def outbound(self, kind: str, count: int) -> None:
        if count:
            self._outbound.labels(kind).inc(count)
