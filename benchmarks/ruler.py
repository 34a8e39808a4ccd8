"""Processor time and memory of processes, as the kernel counts them."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

PAGE = 4096
PAUSE_SECONDS = 0.2
REST_SECONDS = 3.0
IDLE_SHARE = 0.03
SOCKET_SLABS = {"TCP", "sock_inode_cache", "filp", "eventpoll_epi", "eventpoll_pwq"}
Pids = Mapping[str, list[int]]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Of all threads that are alive, in nanoseconds' resolution; what the kernel does for a thread's call is in it."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def cpu_by_role(processes: Pids) -> dict[str, float]:
    return {role: cpu_seconds(pids) for role, pids in processes.items()}


def used_since(before: Mapping[str, float], processes: Pids) -> dict[str, float]:
    """Seconds of each role since `cpu_by_role` gave `before`."""
    return {role: seconds - before.get(role, 0.0) for role, seconds in cpu_by_role(processes).items()}


def wait_until_idle(processes: Pids) -> None:
    """Return when they have next to nothing to do, or after some seconds: some servers never rest."""
    pids = [pid for group in processes.values() for pid in group]
    deadline = time.monotonic() + REST_SECONDS
    used, before = 1.0, cpu_seconds(pids)
    while used > IDLE_SHARE * PAUSE_SECONDS and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        now = cpu_seconds(pids)
        used, before = now - before, now


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional set size: pages that are shared count in parts."""
    return sum(_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids) * 1024


def kernel_bytes() -> int:
    """What the kernel holds for sockets, of the whole machine: their objects, and the pages of their buffers.

    The objects are those of `SOCKET_SLABS`; who may not read how many there are gets all of the kernel's.
    """
    words = next(
        line.split() for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:")
    )
    buffers = int(words[words.index("mem") + 1]) * PAGE
    try:
        slabs = [line.split()[:4] for line in Path("/proc/slabinfo").read_text().splitlines()]
    except PermissionError:
        return _kilobytes("/proc/meminfo", "Slab:") * 1024 + buffers
    return buffers + sum(int(active) * int(size) for name, active, _, size in slabs if name in SOCKET_SLABS)


def _kilobytes(path: str, name: str) -> int:
    line = next(line for line in Path(path).read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def settled(value: Callable[[], int], tries: int = 20) -> int:
    """The value once it is the same, within a percent, twice in a row."""
    last = value()
    for _ in range(tries):
        time.sleep(PAUSE_SECONDS)
        now = value()
        if abs(now - last) <= max(1, last // 100):
            return now
        last = now
    return last
