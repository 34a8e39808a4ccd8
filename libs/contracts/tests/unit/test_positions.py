"""Positions, and times on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from callboard_contracts.positions import Position
from callboard_contracts.wire import Moment, WireModel, format_time
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

positions = st.builds(
    Position,
    epoch=st.text("abcdefXYZ0189", min_size=1, max_size=32),
    offset=st.integers(0, 10**16 - 1),
)


@given(positions)
def test_a_position_is_read_back_from_its_text(position: Position) -> None:
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "e",
        "e:",
        ":1",
        "e:01",
        "e:-1",
        "e:1.0",
        "e:1 ",
        "e:1\n",
        "e:1:2",
        "e-1:1",
        "e:٣",
        "a" * 33 + ":1",
        "e:" + "9" * 17,
    ],
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a position is <epoch>:<offset>"):
        Position.parse(text)


class Holder(WireModel):
    started_at: Moment


@given(st.datetimes(timezones=st.timezones()))
def test_a_time_is_utc_with_milliseconds_whatever_its_zone(moment: datetime) -> None:
    if (
        not datetime.min.replace(tzinfo=UTC) + timedelta(days=2)
        < moment
        < datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
    ):
        return
    text = format_time(moment)
    assert len(text) == len("2026-01-01T00:00:00.000Z")
    assert text.endswith("Z")
    read = datetime.fromisoformat(text)
    assert timedelta(0) <= moment.astimezone(UTC) - read < timedelta(milliseconds=1)


def test_a_time_keeps_its_zeros() -> None:
    assert format_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-02T01:04:05.000Z"


def test_a_moment_is_one_form_in_json() -> None:
    holder = Holder.model_validate({"startedAt": "2026-01-02T03:04:05+02:00"})
    assert holder.model_dump(mode="json", by_alias=True) == {"startedAt": "2026-01-02T01:04:05.000Z"}


def test_a_moment_without_its_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Holder.model_validate({"startedAt": "2026-01-02T03:04:05"})
