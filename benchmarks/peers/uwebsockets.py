"""uWebSockets (C++) through PyPI's socketify; it publishes natively, by a timer of its own event loop."""

import sys
from collections.abc import Iterable
from pathlib import Path

from callboard_testkit.waiting import free_port

from benchmarks.peers.child import SERVER_CPU, Child
from benchmarks.peers.openings import plain_openings
from benchmarks.peers.python_packages import python_versions
from benchmarks.peers.tools import Tools
from benchmarks.server import EVENT_BYTES, SERVER, Opening


class UWebSockets:
    def __init__(self, tools: Tools) -> None:
        self.name = "uWebSockets (socketify)"
        self.port = 0
        self._tools = tools
        self._control_port = 0
        self._child: Child | None = None

    def start(self, directory: Path, *, organisations: int = 1) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port, self._control_port = free_port(), free_port()
        command = [self._tools.python, "-m", "benchmarks.peers.programs.uwebsockets_server"]
        command += [str(self.port), str(self._control_port), str(organisations)]
        self._child = Child(command, log=directory / "uwebsockets.log", cpu=SERVER_CPU, root=self._tools.root)
        self._child.wait_until_listening(self.port)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def processes(self) -> dict[str, list[int]]:
        return {SERVER: [self._child.pid] if self._child else []}

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        return plain_openings(self.port, f"/{organisation}", count)

    def publisher(self, rate: int, seconds: float, size: int = EVENT_BYTES, organisation: int = 0) -> list[str]:
        """Only tells the server to publish: it does so itself, without a hop through another process."""
        told = [str(value) for value in (self._control_port, rate, seconds, size, organisation)]
        return [sys.executable, "-m", "benchmarks.peers.uwebsockets_control", *told]

    def version(self) -> str:
        return python_versions(self._tools, "socketify")
