"""What is counted for a fan-out, a close and an unknown name: bounded series, and the right ones."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.wire import format_time
from callboard_servicekit.telemetry import Telemetry
from callboard_social.metrics import Heard, SocialMetrics
from callboard_social.wire.protocol import Frame


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def metrics(telemetry: Telemetry) -> SocialMetrics:
    return SocialMetrics(telemetry)


def sample(telemetry: Telemetry, name: str, **labels: str) -> float:
    return telemetry.registry.get_sample_value(name, labels) or 0.0


def test_a_broadcast_counts_its_receivers_and_its_bytes(telemetry: Telemetry, metrics: SocialMetrics) -> None:
    metrics.outbound(Frame("chat", "häagen"), 3)
    assert sample(telemetry, "callboard_social_messages_outbound_total", type="chat") == 3
    assert sample(telemetry, "callboard_social_outbound_bytes_total") == 3 * 7


def test_a_type_from_a_newer_release_is_unknown(telemetry: Telemetry, metrics: SocialMetrics) -> None:
    metrics.outbound(Frame("never-heard-of", "{}"))
    assert sample(telemetry, "callboard_social_messages_outbound_total", type="unknown") == 1
    text = str(list(telemetry.registry.collect()))
    assert "never-heard-of" not in text


@pytest.mark.parametrize(
    ("ours", "theirs", "labels"),
    [
        (close_codes.BACK_PRESSURE, None, {"side": "server", "code": "1008"}),
        (None, None, {"side": "server", "code": "1001"}),
        (close_codes.SHUTTING_DOWN, 1000, {"side": "client", "code": "1000"}),
        (close_codes.SHUTTING_DOWN, 3999, {"side": "client", "code": "other"}),
    ],
)
def test_a_close_is_counted_for_the_side_that_began_it(
    telemetry: Telemetry, metrics: SocialMetrics, ours: CloseCode | None, theirs: int | None, labels: dict[str, str]
) -> None:
    metrics.closed(ours, theirs)
    assert sample(telemetry, "callboard_social_closes_total", **labels) == 1


def test_delivery_is_measured_from_the_time_in_the_event(telemetry: Telemetry, metrics: SocialMetrics) -> None:
    happened_at = datetime.now(UTC) - timedelta(seconds=3)
    metrics.written([Heard("chat", format_time(happened_at), time.perf_counter() - 2)])
    assert 3 <= sample(telemetry, "callboard_social_delivery_seconds_sum", type="chat") < 60
    assert sample(telemetry, "callboard_social_fan_out_seconds_count") == 1
    assert 2 <= sample(telemetry, "callboard_social_fan_out_seconds_sum") < 60


def test_a_clock_that_is_behind_makes_no_negative_time(telemetry: Telemetry, metrics: SocialMetrics) -> None:
    ahead = format_time(datetime.now(UTC) + timedelta(hours=1))
    metrics.written([Heard("chat", at, time.perf_counter()) for at in (ahead, "no time at all")])
    assert sample(telemetry, "callboard_social_delivery_seconds_sum", type="chat") == 0
    assert sample(telemetry, "callboard_social_delivery_seconds_count", type="chat") == 1
