"""The load generator as Python sees it: `load/load.c`, one process, told what to do over its stdin."""

import json
import os
import struct
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import on, places
from benchmarks.server import Opening

PROGRAM = Path(__file__).parents[1] / "var" / "bench" / "load"
AT_ONCE = 128
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05


class GeneratorFailed(Exception):
    """It ended, or did not say what it was asked."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Microseconds."""

    p50: int
    p90: int
    p99: int
    max: int


@dataclass(frozen=True, slots=True)
class Opened:
    """How opening went. ``refused`` counts by status, or by close code; 1 is too late, 0 not connected, 1006 cut."""

    opened: int
    refused: Mapping[str, int]
    seconds: float
    handshake_us: Quantiles
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Told:
    """What was counted since `Load.go`, over all connections.

    Attributes:
        events: how many arrived; ``least`` and ``most`` over the connections that are open.
        gaps: events that were skipped; those that are missing at the end are not among them.
        repeats: events that came again, or out of order.
        seconds: since `Load.go`; ``first`` and ``last`` are when the first and the last event came.
        lost: connections that ended, by close code.
    """

    events: int
    bytes: int
    gaps: int
    repeats: int
    open: int
    least: int
    most: int
    seconds: float
    first: float
    last: float
    lost: Mapping[str, int]
    latency_us: Quantiles
    cpu_seconds: float
    per_second: tuple[int, ...]


def record(opening: Opening) -> bytes:
    """As `load/openings.h` describes it."""

    def text(value: bytes) -> bytes:
        return struct.pack("<I", len(value)) + value

    parts = [struct.pack("<I", opening.after_binary), text(opening.request), text(opening.ready)]
    parts += [struct.pack("<I", len(opening.after)), *map(text, opening.after)]
    parts.append(struct.pack("<I", len(opening.answers)))
    parts += [text(part) for answer in opening.answers for part in answer]
    return text(b"".join(parts))


class Load:
    """Opens its sockets as soon as it is made; `opened` waits for them. Openings are taken when they are needed."""

    def __init__(
        self,
        port: int,
        openings: Iterable[Opening],
        *,
        at_once: int = AT_ONCE,
        patience: float = PATIENCE_SECONDS,
        program: Path = PROGRAM,
    ) -> None:
        reader, self._writer = os.pipe()
        command = [str(program), str(port), f"/proc/self/fd/{reader}", str(at_once), str(patience)]
        with on(places().rest):
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[reader])
        os.close(reader)
        self._feeder = threading.Thread(target=self._feed, args=(openings,), daemon=True)
        self._feeder.start()

    def _feed(self, openings: Iterable[Opening]) -> None:
        os.sched_setaffinity(0, places().rest)  # of this thread
        # It has given up when it reads no more; what it counted says so.
        with suppress(BrokenPipeError), os.fdopen(self._writer, "wb", buffering=0) as pipe:
            for opening in openings:
                pipe.write(record(opening))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Cut every socket."""
        with suppress(BrokenPipeError):
            self._process.communicate(b"quit\n", timeout=10)
        self._feeder.join()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise GeneratorFailed(f"the load generator ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(word.encode() + b"\n")
        self._process.stdin.flush()

    def opened(self) -> Opened:
        """Once every socket is open or refused; to be called once."""
        answer = self._answer()
        return Opened(
            opened=answer["opened"],
            refused=answer["refused"],
            seconds=answer["seconds"],
            handshake_us=Quantiles(**answer["handshake_us"]),
            cpu_seconds=sum(answer["cpu"].values()),
        )

    def go(self) -> None:
        """Count from here: the next event of each connection is number 1."""
        self._say("go")

    def tell(self) -> Told:
        self._say("tell")
        answer = self._answer()
        cpu, latency, per_second = (answer.pop(name) for name in ("cpu", "latency_us", "per_second"))
        return Told(
            **answer,
            latency_us=Quantiles(**latency),
            cpu_seconds=sum(cpu.values()),
            per_second=tuple(per_second),
        )

    def counted(self, events: int, patience: float) -> Told:
        """What was counted, once so many events have arrived, or the patience is over."""
        deadline = time.monotonic() + patience
        while (told := self.tell()).events < events and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
        return told
