"""What every service measures beside its own. Labels have few values, and never an id; docs/metrics.md has them all."""

import asyncio
from importlib.metadata import version
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: from one relay on one machine to a client's time-out."""
LAG_BUCKETS = (1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Seconds, for what is told in whole seconds."""
OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LOOP_PAUSE_SECONDS = 0.5


class RequestCounts:
    """HTTP requests by route template and by the methods that exist: both come from a client otherwise."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "callboard_http_requests",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "callboard_http_request_seconds",
            "Time from request to the last byte of its answer.",
            ("method", "route"),
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        method = method if method in _METHODS else OTHER
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)


class RedisFailures:
    """Counts what Redis did not do, by what went wrong; to be called with the error."""

    def __init__(self, registry: CollectorRegistry) -> None:
        failures = Counter(
            "callboard_redis_failures", "Commands and connections that Redis failed.", ("kind",), registry=registry
        )
        self._connection = failures.labels("connection")
        self._timeout = failures.labels("timeout")
        self._refused = failures.labels("refused")

    def __call__(self, error: Exception) -> None:
        if isinstance(error, ResponseError):
            self._refused.inc()
        elif isinstance(error, RedisTimeoutError | TimeoutError):
            self._timeout.inc()
        else:
            self._connection.inc()


class TokenChecks:
    """Counts primary tokens by how they were found good, or that they were refused."""

    def __init__(self, registry: CollectorRegistry) -> None:
        checks = Counter("callboard_token_checks", "Primary tokens presented.", ("outcome",), registry=registry)
        self._children = {outcome: checks.labels(outcome) for outcome in ("cached", "verified", "refused")}

    def __call__(self, outcome: Literal["cached", "verified", "refused"]) -> None:
        self._children[outcome].inc()


def watch_process(registry: CollectorRegistry, service: str) -> None:
    """What runs, and what it takes from the machine; for a process that is one service."""
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    build = Gauge("callboard_build_info", "Always 1; what runs.", ("service", "version"), registry=registry)
    build.labels(service, version("callboard-servicekit")).set(1)


async def watch_event_loop(registry: CollectorRegistry) -> None:
    """Measure for ever how late the event loop is: while it is late, everybody on this process waits."""
    late = Histogram(
        "callboard_event_loop_lag_seconds",
        "How much later than asked for a timer fires.",
        buckets=LATENCY_BUCKETS,
        registry=registry,
    )
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LOOP_PAUSE_SECONDS
        await asyncio.sleep(_LOOP_PAUSE_SECONDS)
        late.observe(max(0.0, loop.time() - due))
