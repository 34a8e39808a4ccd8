"""The reference worker's allow-list: which commands it runs, and how often."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from callboard_worker.console.durations import parse_duration

_KEYS = frozenset({"name", "command", "every", "secret_env"})
_REQUIRED = frozenset({"name", "command", "every"})


class BadJobFile(Exception):
    """The file cannot be read or says something that we do not understand; the message says where."""


@dataclass(frozen=True, slots=True)
class Job:
    """A command and how often it is due. ``secret_env`` names variables whose values are masked."""

    name: str
    command: tuple[str, ...]
    every: timedelta
    secret_env: tuple[str, ...] = ()


def read_jobs(path: Path) -> tuple[Job, ...]:
    """The jobs of a TOML file (``[[job]]``), in its order; raises BadJobFile."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadJobFile(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BadJobFile(f"{path}: {error}") from error
    entries = document.pop("job", [])
    if document:
        raise BadJobFile(f"{path}: unknown keys: " + ", ".join(sorted(document)))
    if not isinstance(entries, list) or not entries:
        raise BadJobFile(f"{path}: at least one [[job]] is needed")
    jobs = tuple(_job(entry, f"{path}, job {number}") for number, entry in enumerate(entries, 1))
    names = [job.name for job in jobs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadJobFile(f"{path}: two jobs have the name " + ", ".join(twice))
    return jobs


def _job(entry: Any, where: str) -> Job:
    if not isinstance(entry, Mapping):
        raise BadJobFile(f"{where}: a job is a table")
    unknown, missing = sorted(entry.keys() - _KEYS), sorted(_REQUIRED - entry.keys())
    if unknown:
        raise BadJobFile(f"{where}: unknown keys: " + ", ".join(unknown))
    if missing:
        raise BadJobFile(f"{where}: missing keys: " + ", ".join(missing))
    name, every = entry["name"], entry["every"]
    if not isinstance(name, str) or not name.strip():
        raise BadJobFile(f"{where}: name is a text")
    command = _texts(entry["command"], f"{where}: command")
    if not command or not command[0]:
        raise BadJobFile(f"{where}: command is empty")
    try:
        interval = parse_duration(every if isinstance(every, str) else "")
    except ValueError as error:
        raise BadJobFile(f"{where}: every: {error}") from error
    return Job(name.strip(), command, interval, _texts(entry.get("secret_env", []), f"{where}: secret_env"))


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadJobFile(f"{where} is a list of texts")
    if any("\0" in item for item in value):
        raise BadJobFile(f"{where} has a NUL in it")
    return tuple(value)
