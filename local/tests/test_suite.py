"""What a suite decides before anything of it runs."""

from pathlib import Path

import pytest

from local.suite import CannotStart, plan


@pytest.mark.parametrize(("window", "seconds"), [("", 15), ("500ms", 6), ("90s", 95), ("5m", 305)])
def test_a_service_that_drains_is_not_killed_before_its_window_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: str, seconds: int
) -> None:
    monkeypatch.setenv("CALLBOARD_DRAIN_WINDOW", window)
    suite = plan(tmp_path, "0")
    assert suite.stop_seconds == seconds
    assert suite.environment["SUITE_STOP_SECONDS"] == str(seconds)


def test_a_window_that_is_no_time_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLBOARD_DRAIN_WINDOW", "soon")
    with pytest.raises(CannotStart, match="CALLBOARD_DRAIN_WINDOW: a duration is"):
        plan(tmp_path, "0")
