"""A server that hears its events from Redis, as a fleet of them would: the shape of four of the peers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from callboard_testkit.waiting import free_port

from benchmarks.peers.child import SERVER_CPU, Child
from benchmarks.peers.publishing import publish_command
from benchmarks.peers.redis_beside import RedisBeside
from benchmarks.peers.tools import Tools
from benchmarks.server import EVENT_BYTES, SERVER, Opening


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs.

    Attributes:
        command: the server's command line, from its port and that of Redis.
        wire: how it is published to, a name in `publish.py`.
        openings: from its port, a count and an organisation.
        version: what is measured.
    """

    name: str
    command: Callable[[int, int], list[str]]
    wire: str
    openings: Callable[[int, int, int], Iterable[Opening]]
    version: Callable[[], str]


class RedisFed:
    def __init__(self, tools: Tools, kind: Kind) -> None:
        self.name = kind.name
        self.port = 0
        self._tools = tools
        self._kind = kind
        self._redis: RedisBeside | None = None
        self._child: Child | None = None

    def start(self, directory: Path, *, organisations: int = 1) -> None:  # noqa: ARG002 - rooms are made when used
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._redis = RedisBeside(self._tools, directory)
        self._child = Child(
            self._kind.command(self.port, self._redis.port),
            log=directory / "server.log",
            cpu=SERVER_CPU,
            root=self._tools.root,
            environment={"REDIS_PORT": str(self._redis.port)},
        )
        self._child.wait_until_listening(self.port)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None
        if self._redis is not None:
            self._redis.stop()
            self._redis = None

    def processes(self) -> dict[str, list[int]]:
        beside = {"redis": [self._redis.pid]} if self._redis else {}
        return {SERVER: [self._child.pid] if self._child else []} | beside

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        return self._kind.openings(self.port, count, organisation)

    def publisher(self, rate: int, seconds: float, size: int = EVENT_BYTES, organisation: int = 0) -> list[str]:
        port = self._redis.port if self._redis else 0
        return publish_command(self._kind.wire, port, rate=rate, seconds=seconds, size=size, organisation=organisation)

    def version(self) -> str:
        return self._kind.version()
