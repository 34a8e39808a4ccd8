"""The measurements that scenarios are made of."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.figures import Figures, medians
from benchmarks.generator import Load, Opened
from benchmarks.machine import on, places
from benchmarks.ruler import cpu_by_role, kernel_bytes, pss_bytes, settled, used_since, wait_until_idle
from benchmarks.server import SERVER, Server

WORK = Path(__file__).parents[1] / "var" / "bench"
DRAIN_SECONDS = 2.0
WARM_UP_SECONDS = 0.5
WARM_UP_RATE = 100
ROOM_TO_PUBLISH_SECONDS = 30.0


class NotAllOpen(Exception):
    """Some sockets were refused: what would be measured is something else."""


@contextmanager
def started(server: Server, *, organisations: int = 1) -> Iterator[Server]:
    """The server, from nothing, for the time of the block."""
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=WORK) as directory:
        try:
            server.start(Path(directory), organisations=organisations)
            yield server
        finally:
            server.stop()


@contextmanager
def subscribed(server: Server, count: int, organisation: int = 0) -> Iterator[Load]:
    """So many clients that hear the organisation. Raises NotAllOpen."""
    with Load(server.port, server.openings(count, organisation)) as load:
        all_open(load, count)
        yield load


def all_open(load: Load, count: int) -> Opened:
    opened = load.opened()
    if opened.opened != count:
        raise NotAllOpen(f"{opened.opened} of {count} sockets are open, the others: {dict(opened.refused)}")
    return opened


@dataclass(frozen=True, slots=True)
class Publishing:
    published: int
    seconds: float


def publish(server: Server, rate: int, seconds: float, organisation: int = 0) -> Publishing:
    """Publish beside what is measured; returns when the publisher has ended."""
    command = server.publisher(rate, seconds, organisation=organisation)
    with on(places().rest):
        ended = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + ROOM_TO_PUBLISH_SECONDS
        )
    return Publishing(**json.loads(ended.stdout))


def warm_up(server: Server, load: Load, rate: int) -> None:
    """Some events, so that everything has been used once."""
    load.go()
    published = publish(server, rate, WARM_UP_SECONDS)
    load.counted(published.published * load.tell().open, DRAIN_SECONDS)


def fan_out(server: Server, load: Load, rate: int, seconds: float, organisation: int = 0) -> Figures:
    """One run: events at a rate to every client of the load.

    Deliveries per second are counted from the first to the last one that arrived: who cannot keep up is measured by
    what it does, and is cut off some seconds after the last event was published. What is missing then, or was left
    out, is `missing`.
    """
    processes, sockets = server.processes(), load.tell().open
    wait_until_idle(processes)
    load.go()
    before = cpu_by_role(processes)
    published = publish(server, rate, seconds, organisation)
    told = load.counted(published.published * sockets, DRAIN_SECONDS)
    used = used_since(before, processes)
    events = max(told.events, 1)
    span = max(told.last - told.first, 1e-9)
    figures = {
        "offered_per_second": rate,
        "seconds": told.seconds,
        "deliveries": told.events,
        "published_per_second": published.published / max(published.seconds, 1e-9),
        "deliveries_per_second": told.events / span,
        "p50_ms": told.latency_us.p50 / 1000,
        "p99_ms": told.latency_us.p99 / 1000,
        "max_ms": told.latency_us.max / 1000,
        "missing": published.published * sockets - told.events,
        "gaps": told.gaps,
        "repeats": told.repeats,
        "lost_sockets": sum(told.lost.values()),
        "generator_cpu": told.cpu_seconds / (span if told.events > 1 else told.seconds),
    }
    for role, seconds_used in used.items():
        figures[f"{role}_us_per_delivery"] = seconds_used * 1e6 / events
    figures["all_us_per_delivery"] = sum(used.values()) * 1e6 / events
    return figures


def keeps_up(figures: Figures) -> bool:
    """Whether everything had arrived when the run was over: only then another one can follow on the same sockets."""
    return figures["missing"] == 0 and figures["lost_sockets"] == 0


def fan_out_runs(server: Server, count: int, rate: int, seconds: float, runs: int) -> Figures:
    """The medians of some runs; a server that fell behind starts anew for the next one."""
    found: list[Figures] = []
    while len(found) < runs:
        with started(server), subscribed(server, count) as load:
            warm_up(server, load, min(rate, WARM_UP_RATE))
            found.append(fan_out(server, load, rate, seconds))
            while len(found) < runs and keeps_up(found[-1]):
                found.append(fan_out(server, load, rate, seconds))
    return medians(found)


def memory_per_socket(server: Server, count: int) -> Figures:
    """Growth of each role, and of the kernel for both ends of every connection, in bytes per socket."""
    # The first ones stay: what is made once is no cost of a socket, and what they left behind would be used again.
    with started(server), subscribed(server, max(1, count // 20)):
        processes = server.processes()
        wait_until_idle(processes)
        before = _pss_by_role(processes)
        kernel_before = settled(kernel_bytes)
        with subscribed(server, count):
            wait_until_idle(processes)
            after = _pss_by_role(processes)
            kernel_after = settled(kernel_bytes)
    figures = {f"{role}_bytes": (after[role] - before[role]) / count for role in after}
    figures["kernel_bytes"] = (kernel_after - kernel_before) / count
    return figures


def pss_of_server(server: Server) -> int:
    return pss_bytes(server.processes()[SERVER])


def _pss_by_role(processes: Mapping[str, list[int]]) -> dict[str, int]:
    return {role: settled(partial(pss_bytes, pids)) for role, pids in processes.items()}


def idle_share(server: Server, seconds: float) -> float:
    """How much of a processor the server takes to do nothing."""
    processes = server.processes()
    wait_until_idle(processes)
    before = cpu_by_role(processes)
    time.sleep(seconds)
    return used_since(before, processes)[SERVER] / seconds


def handshakes(server: Server, count: int, at_once: int) -> Figures:
    """One storm on a running server: all sockets are opened, so many at a time, and cut."""
    processes = server.processes()
    wait_until_idle(processes)  # it may still be closing the sockets of the last storm
    openings = list(server.openings(count))
    before = cpu_by_role(processes)
    with Load(server.port, openings, at_once=at_once) as load:
        opened = all_open(load, count)
        used = used_since(before, processes)
    figures = {
        "handshakes_per_second": count / max(opened.seconds, 1e-9),
        "p50_ms": opened.handshake_us.p50 / 1000,
        "p99_ms": opened.handshake_us.p99 / 1000,
    }
    return figures | {f"{role}_us_per_handshake": seconds * 1e6 / count for role, seconds in used.items()}
