"""The Redis that a peer hears its events from: nothing on disk, and no bound on what waits for a slow subscriber."""

from pathlib import Path

from callboard_testkit.waiting import free_port

from benchmarks.peers.child import BESIDE_CPU, Child
from benchmarks.peers.tools import Tools


class RedisBeside:
    def __init__(self, tools: Tools, directory: Path) -> None:
        self.port = free_port()
        command = [tools.redis, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)]
        command += ["--save", "", "--appendonly", "no"]
        # By default a subscriber that is 32 MB behind is cut off: a flood would measure its reconnects.
        command += ["--client-output-buffer-limit", "pubsub", "0", "0", "0"]
        self._child = Child(command, log=directory / "redis.log", cpu=BESIDE_CPU, root=tools.root)
        self._child.wait_until_listening(self.port)

    @property
    def pid(self) -> int:
        return self._child.pid

    def stop(self) -> None:
        self._child.stop()
