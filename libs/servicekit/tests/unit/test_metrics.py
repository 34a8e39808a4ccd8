"""What every service measures beside its own."""

import asyncio
from importlib.metadata import version

import pytest
from callboard_servicekit.metrics import RedisFailures, watch_event_loop, watch_process
from callboard_servicekit.telemetry import Telemetry
from callboard_testkit.waiting import eventually
from prometheus_client import CollectorRegistry
from redis.exceptions import AuthenticationError, OutOfMemoryError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError


def test_a_process_says_what_it_is_and_what_it_takes() -> None:
    registry = CollectorRegistry()
    watch_process(registry, "tiny")
    build = {"service": "tiny", "version": version("callboard-servicekit")}
    assert registry.get_sample_value("callboard_build_info", build) == 1
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 0
    assert registry.get_sample_value("python_gc_collections_total", {"generation": "0"}) is not None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RedisConnectionError(), "connection"),
        (ConnectionResetError(), "connection"),
        (AuthenticationError(), "connection"),
        (RedisTimeoutError(), "timeout"),
        (TimeoutError(), "timeout"),
        (OutOfMemoryError(), "refused"),
    ],
)
def test_a_failure_of_redis_is_counted_by_its_kind(error: Exception, kind: str) -> None:
    registry = CollectorRegistry()
    RedisFailures(registry)(error)
    assert registry.get_sample_value("callboard_redis_failures_total", {"kind": kind}) == 1


async def test_a_late_event_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callboard_servicekit.metrics._LOOP_PAUSE_SECONDS", 0.001)
    registry = CollectorRegistry()
    watching = asyncio.create_task(watch_event_loop(registry))
    await eventually(lambda: (registry.get_sample_value("callboard_event_loop_lag_seconds_count") or 0) >= 3)
    watching.cancel()
    assert (registry.get_sample_value("callboard_event_loop_lag_seconds_sum") or 0) > 0


def test_a_gauge_is_read_when_it_is_asked_for() -> None:
    telemetry, values = Telemetry(), [1.0]
    telemetry.gauge("callboard_tiny", "Tiny.", lambda: values[-1])
    values.append(2.0)
    assert telemetry.registry.get_sample_value("callboard_tiny") == 2
