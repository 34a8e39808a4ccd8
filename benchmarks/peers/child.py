"""A process of a run: on one CPU from its first instruction on, and gone when it is told so."""

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from callboard_testkit.waiting import wait_for_port

SERVER_CPU, BESIDE_CPU = 0, 1
"""What holds the sockets has one CPU alone; all else, the load generator too, shares the other."""

STOP_SECONDS = 5.0
START_SECONDS = 20.0
LOG_TAIL_BYTES = 2000


class PeerDied(Exception):
    """A process ended, or did not listen in time; the message has the end of its log."""


class Child:
    """Started at once. Not pinned where there are fewer than two CPUs: the result of such a run says so."""

    def __init__(
        self, command: Sequence[str], *, log: Path, cpu: int, root: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        # Not sched_setaffinity on the running process: Go and Node have made their threads by then.
        pin = ["taskset", "--cpu-list", str(cpu)] if len(os.sched_getaffinity(0)) > 1 else []
        # A run that is killed has no time to stop what it started.
        with_parent = ["setpriv", "--pdeathsig", "TERM"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*with_parent, *pin, *command],
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | (environment or {}),
            )
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (most, most))

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_listening(self, port: int) -> None:
        """Return when the port takes connections; raises PeerDied."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                wait_for_port(port, patience=0.2)
            except TimeoutError:
                continue
            return
        raise PeerDied(f"{self._process.args!r} does not listen on {port}: {self._end_of_log()}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _end_of_log(self) -> str:
        return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
