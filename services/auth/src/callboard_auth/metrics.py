"""What an operator counts in auth."""

from callboard_servicekit.metrics import LAG_BUCKETS, LATENCY_BUCKETS
from callboard_servicekit.telemetry import Telemetry
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SUCCESS = "success"


class HashingMetrics:
    """One pool of Argon2id threads: what it has in hand, and how long a caller waits for a hash."""

    def __init__(self, in_hand: Gauge, seconds: Histogram) -> None:
        self._in_hand = in_hand
        self._seconds = seconds

    def begun(self) -> None:
        self._in_hand.inc()

    def done(self, seconds: float) -> None:
        self._in_hand.dec()
        self._seconds.observe(seconds)


class AuthMetrics:
    """``outcome`` is ``success``, the code of the problem that was answered, or ``reused`` for a refresh token."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self.sign_ups = Counter("callboard_auth_sign_ups", "Sign-ups attempted.", ("outcome",), registry=registry)
        self.logins = Counter("callboard_auth_logins", "Logins attempted.", ("outcome",), registry=registry)
        self.refreshes = Counter(
            "callboard_auth_refreshes", "Refresh cookies presented.", ("outcome",), registry=registry
        )
        self.exchanges = Counter(
            "callboard_auth_token_exchanges", "API tokens presented.", ("outcome",), registry=registry
        )
        self.sessions_ended = Counter(
            "callboard_auth_sessions_ended", "Sessions ended.", ("reason",), registry=registry
        )
        self.api_tokens_created = Counter("callboard_auth_api_tokens_created", "API tokens made.", registry=registry)
        self.api_tokens_ended = Counter(
            "callboard_auth_api_tokens_ended", "API tokens revoked or run out.", ("reason",), registry=registry
        )
        self._measure_revocations(registry)
        self._measure_hashes(registry)

    def _measure_revocations(self, registry: CollectorRegistry) -> None:
        self.revocations_published = Counter(
            "callboard_auth_revocations_published", "Revocations that Redis was told.", registry=registry
        )
        self.revocations_pending = Gauge(
            "callboard_auth_revocations_pending",
            "Revocations that Redis has not been told yet; 500 stands for more.",
            registry=registry,
        )
        self.revocation_seconds = Histogram(
            "callboard_auth_revocation_publish_seconds",
            "From the end of a session, in whole seconds, until Redis was told.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )

    def _measure_hashes(self, registry: CollectorRegistry) -> None:
        self._hashes = Gauge(
            "callboard_auth_hashes", "Argon2id hashes being computed or waiting.", ("pool",), registry=registry
        )
        self._hash_seconds = Histogram(
            "callboard_auth_hash_seconds",
            "Time for one Argon2id hash, its wait for a thread included.",
            ("pool",),
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )

    def hashing(self, pool: str) -> HashingMetrics:
        return HashingMetrics(self._hashes.labels(pool), self._hash_seconds.labels(pool))
