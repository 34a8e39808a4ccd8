"""The machine that is measured: what it is, and which of its processors does what."""

import os
import platform
import resource
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

OPEN_FILES = 65_536


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    cpus: int
    memory_gib: float
    kernel: str
    system: str
    python: str


def describe() -> Machine:
    return Machine(
        processor=_field("/proc/cpuinfo", "model name") or platform.machine(),
        cpus=os.cpu_count() or 1,
        memory_gib=round(int((_field("/proc/meminfo", "MemTotal") or "0").split()[0]) / 1024**2, 1),
        kernel=platform.release(),
        system=platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        python=platform.python_version(),
    )


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


@dataclass(frozen=True, slots=True)
class Places:
    """The processor of what is measured, and the one of everything else."""

    server: frozenset[int]
    rest: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        return self.server | self.rest

    @property
    def are_apart(self) -> bool:
        return not self.server & self.rest


def places() -> Places:
    """The first processor that this process may use, and the others; the same when there is one only."""
    first, *others = sorted(os.sched_getaffinity(0))
    return Places(frozenset({first}), frozenset(others or {first}))


@contextmanager
def on(cpus: AbstractSet[int]) -> Iterator[None]:
    """Run this thread, and what it starts meanwhile, on these processors."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_many_sockets() -> int:
    """Raise the number of open files for all that this process starts, as far as it may; gives the number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, max(hard, OPEN_FILES)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, OPEN_FILES), hard))
    return open_files()


def open_files() -> int:
    """How many a process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def move(pids: Iterable[int], cpus: AbstractSet[int]) -> None:
    """Put every thread of these processes onto these processors."""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), cpus)
