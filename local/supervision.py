"""Starts supervisord with the programs of `supervisord.conf`, waits for them, and ends them all."""

import os
import subprocess
import sys
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from local.environment import ROOT
from local.suite import LOOPBACK, SERVICES, CannotStart, Suite

START_SECONDS = 60.0
STOP_SECONDS_OF_OTHERS = 60.0
"""More than all ``stopwaitsecs`` of supervisord.conf together, but for the services'."""
MAX_FAILED_STARTS = 3
_PAUSE_SECONDS = 0.1
_TAIL_LINES = 15


class Supervisor:
    """A running supervisord with the programs redis, auth, social, social-2, ..., producer, gateway and demo-worker."""

    def __init__(self, suite: Suite, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._suite = suite
        self._failed_starts: set[tuple[str, int]] = set()
        credentials = f"callboard:{suite.environment['SUITE_SUPERVISOR_PASSWORD']}"
        address = f"http://{credentials}@{LOOPBACK}:{suite.ports.supervisor}/RPC2"
        self._calls = xmlrpc.client.ServerProxy(address).supervisor

    def programs(self) -> dict[str, dict[str, Any]]:
        """Supervisord's own account of each program by name: ``statename``, ``pid``, ``start`` and more."""
        found: Any = self._calls.getAllProcessInfo()
        return {program["name"]: program for program in found}

    def start(self, program: str) -> None:
        self._calls.startProcess(program)

    def wait_until_ready(self) -> None:
        """Return when every service says that it is ready and the gateway reaches auth. Raises CannotStart."""
        addresses = self._suite.addresses()
        waiting = [(name, f"{addresses[f'{name}_internal']}/readyz") for name in ("auth", "producer")]
        waiting += [(name, f"{internal}/readyz") for name, (_, internal) in self._suite.social_addresses().items()]
        waiting.append(("gateway", f"{self._suite.gateway}/auth/.well-known/jwks.json"))
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(trust_env=False, timeout=2) as http:
            for name, address in waiting:
                while not _is_ready(http, address):
                    self._refuse_hopeless_start()
                    if time.monotonic() > deadline:
                        raise CannotStart(f"{name} is not ready after {START_SECONDS:.0f} s\n{self._tail(name)}")
                    time.sleep(_PAUSE_SECONDS)

    def _refuse_hopeless_start(self) -> None:
        """Raise CannotStart when a program has died at once several times; it would only do so again."""
        if self.process.poll() is not None:
            raise CannotStart(f"supervisord ended with {self.process.returncode}\n{self._tail('supervisord')}")
        try:
            programs = self.programs()
        except OSError:
            return  # supervisord does not listen yet
        dead = {(name, entry["start"]) for name, entry in programs.items() if entry["statename"] == "BACKOFF"}
        self._failed_starts |= dead
        for name, count in Counter(name for name, _ in self._failed_starts).items():
            if count >= MAX_FAILED_STARTS:
                raise CannotStart(f"{name} cannot start\n{self._tail(name)}")

    def _tail(self, program: str) -> str:
        log = self._suite.log_directory / f"{program}.log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return "\n".join([f"--- the end of {log}:", *text.splitlines()[-_TAIL_LINES:]])


def _is_ready(http: httpx.Client, address: str) -> bool:
    try:
        return http.get(address).is_success
    except httpx.TransportError:
        return False


def _longest_stop(suite: Suite) -> float:
    """They are stopped one after the other."""
    services = len(SERVICES) - 1 + len(suite.social_addresses())
    return STOP_SECONDS_OF_OTHERS + services * suite.stop_seconds


@contextmanager
def supervised(suite: Suite, lock: int) -> Iterator[Supervisor]:
    """Run the suite's programs for the length of the block. ``lock`` is the descriptor that supervisord keeps open."""
    command = [sys.executable, "-m", "supervisor.supervisord", "--silent", "-n", "-c", str(ROOT / "supervisord.conf")]
    if os.geteuid() == 0:
        command.append("--user=root")  # said, it is not warned about
    process = subprocess.Popen(
        command,
        cwd=suite.directory,
        env=dict(suite.environment),
        stdin=subprocess.DEVNULL,
        # A Ctrl-C is for us alone: we end the others in their order.
        start_new_session=True,
        pass_fds=[lock],
    )
    try:
        yield Supervisor(suite, process)
    finally:
        process.terminate()
        try:
            process.wait(_longest_stop(suite))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
