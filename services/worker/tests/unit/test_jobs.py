from datetime import timedelta
from pathlib import Path

import pytest
from callboard_worker.console.durations import parse_duration, show_duration
from callboard_worker.running.jobs import BadJobFile, Job, read_jobs
from callboard_worker.running.schedule import Schedule

GOOD = 'name = "a"\ncommand = ["true"]\nevery = "30s"\n'


def test_a_job_file_is_read_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text(f'[[job]]\n{GOOD}\n[[job]]\nname = "b"\ncommand = ["x", "y"]\nevery = "2h"\nsecret_env = ["S"]\n')
    assert read_jobs(path) == (
        Job("a", ("true",), timedelta(seconds=30)),
        Job("b", ("x", "y"), timedelta(hours=2), ("S",)),
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "at least one"),
        ("[[job]", "jobs.toml"),
        (f"[job]\n{GOOD}", "at least one"),
        ("job = [1]", "table"),
        (f"[[jobs]]\n{GOOD}", "unknown keys: jobs"),
        (f'[[job]]\n{GOOD}shell = "x"', "unknown keys: shell"),
        ('[[job]]\nname = "a"', "missing keys: command, every"),
        ("[[job]]\n" + GOOD.replace('["true"]', "[]"), "command is empty"),
        ("[[job]]\n" + GOOD.replace('["true"]', '[""]'), "command is empty"),
        ("[[job]]\n" + GOOD.replace('["true"]', '"true"'), "list of texts"),
        ("[[job]]\n" + GOOD.replace('["true"]', '["a\\u0000"]'), "NUL"),
        ("[[job]]\n" + GOOD.replace('"30s"', '"often"'), "every"),
        ("[[job]]\n" + GOOD.replace('"30s"', "30"), "every"),
        ("[[job]]\n" + GOOD.replace('"30s"', '"0s"'), "every"),
        ("[[job]]\n" + GOOD.replace('"a"', '" "'), "name"),
        (f"[[job]]\n{GOOD}[[job]]\n{GOOD}", "two jobs have the name a"),
    ],
)
def test_a_file_that_is_not_understood_says_where(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "jobs.toml").write_text(content)
    with pytest.raises(BadJobFile) as bad:
        read_jobs(tmp_path / "jobs.toml")
    assert words in str(bad.value)


def test_bytes_that_are_no_text_are_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "jobs.toml").write_bytes(b"\xff")
    with pytest.raises(BadJobFile):
        read_jobs(tmp_path / "jobs.toml")


def test_jobs_take_turns_and_missed_turns_are_not_made_up_for() -> None:
    often = Job("often", ("x",), timedelta(seconds=10))
    seldom = Job("seldom", ("x",), timedelta(seconds=100))
    schedule = Schedule([often, seldom], now=0.0)
    turns, now = [], 0.0
    for _ in range(6):
        job, due = schedule.next()
        now = max(now, due)
        turns.append((job.name, now))
        schedule.started(job, now)
        now += 35.0 if job is seldom else 1.0
    assert turns == [("often", 0), ("seldom", 1), ("often", 36), ("often", 46), ("often", 56), ("often", 66)]


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("15m", 900), ("24h", 86400), ("30d", 2592000)])
def test_durations_have_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "0s", "-1s", "1.5s", "1w", "٣s", "9999999d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "shown"), [(0.04, "0.0s"), (59.9, "59.9s"), (123, "2m03s"), (3660, "1h01m")])
def test_durations_are_shown_short(seconds: float, shown: str) -> None:
    assert show_duration(timedelta(seconds=seconds)) == shown
