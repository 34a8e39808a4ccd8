"""One NGINX: its configuration is tried before it is used, and it ends without cutting what can still be finished."""

import os
import shutil
import signal
import time
from pathlib import Path

FORCE_SECONDS = 5.0
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
SIGNALS = STOP_SIGNALS | {signal.SIGHUP, signal.SIGCHLD}
"""Blocked in this process and taken by ``sigtimedwait``: the kernel drops what process 1 has no handler for."""


class ConfigurationRefused(Exception):
    """NGINX does not take this configuration; the message is its own."""


class Server:
    """NGINX in the foreground as a child of this process, which has `SIGNALS` blocked."""

    def __init__(self, run_directory: Path) -> None:
        # A normal user's PATH lacks sbin.
        self._program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin") or "nginx"
        self._configuration = run_directory / "nginx.conf"
        self._pid_file = run_directory / "nginx.pid"
        self._process = 0
        self._status: int | None = None

    def adopt(self, configuration: str) -> None:
        """Put the configuration in the place of the last one; raises ConfigurationRefused and changes nothing."""
        candidate = self._configuration.with_suffix(".candidate")
        try:
            candidate.write_text(configuration, encoding="utf-8")
        except OSError as error:
            raise ConfigurationRefused(f"{candidate} cannot be written: {error.strerror}") from error
        read_end, write_end = os.pipe()
        tester = self._spawn(["-t", "-q", "-c", str(candidate)], errors=write_end)
        os.close(write_end)
        with os.fdopen(read_end, encoding="utf-8", errors="replace") as answer:
            complaint = answer.read().strip()
        _, status = os.waitpid(tester, 0)
        if status:
            raise ConfigurationRefused(complaint)
        candidate.replace(self._configuration)

    def start(self) -> None:
        self._process = self._spawn(["-c", str(self._configuration), "-g", "daemon off;"], errors=2)

    def _spawn(self, arguments: list[str], errors: int) -> int:
        command = [self._program, "-e", "stderr", *arguments]
        onto_stderr = [(os.POSIX_SPAWN_DUP2, errors, 2)]
        # The child must not inherit the blocked signals.
        return os.posix_spawn(self._program, command, os.environ, file_actions=onto_stderr, setsigmask=())

    def is_ready(self) -> bool:
        """Whether it has written its process id, before which a SIGHUP would end it."""
        try:
            return self._pid_file.read_text(encoding="ascii").strip() == str(self._process)
        except FileNotFoundError:
            return False

    def reload(self) -> None:
        """Start workers under the adopted configuration; the old ones end with their last request and socket."""
        os.kill(self._process, signal.SIGHUP)

    def collect(self) -> int | None:
        """Reap every child that ended, orphans of strangers too; NGINX's exit code once it was among them."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return self._status
            if process == 0:
                return self._status
            if process == self._process:
                self._status = os.waitstatus_to_exitcode(status)

    def stop(self, grace: float) -> None:
        """Let requests and sockets finish for ``grace`` seconds, or until asked to stop again; then cut them."""
        for number, patience in (
            (signal.SIGQUIT, grace),
            (signal.SIGTERM, FORCE_SECONDS),
            (signal.SIGKILL, FORCE_SECONDS),
        ):
            if self.collect() is None:
                os.kill(self._process, number)
                self._wait(patience)

    def _wait(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while self.collect() is None and (left := deadline - time.monotonic()) > 0:
            received = signal.sigtimedwait(SIGNALS, left)
            if received and received.si_signo in STOP_SIGNALS:
                return
