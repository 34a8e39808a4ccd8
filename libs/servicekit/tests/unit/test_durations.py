"""Durations in settings."""

from datetime import timedelta

import pytest
from callboard_servicekit.durations import Duration
from pydantic import TypeAdapter, ValidationError

duration = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", timedelta(seconds=10)),
        ("10s", timedelta(seconds=10)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        (" 5s ", timedelta(seconds=5)),
    ],
)
def test_a_duration_is_seconds_or_carries_its_unit(text: str, expected: timedelta) -> None:
    assert duration.validate_python(text) == expected


def test_a_duration_given_in_code_stays_as_it_is() -> None:
    assert duration.validate_python(timedelta(milliseconds=20)) == timedelta(milliseconds=20)


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5", "1.5", "10 s", "10S", "1w", "s", "1h30m", "٣s", "9999999999", "PT1H"]
)
def test_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="a duration is a positive number of seconds"):
        duration.validate_python(text)
