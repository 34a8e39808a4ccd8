"""nats-server (Go) with its WebSocket listener; published to by its own protocol over TCP."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from callboard_testkit.waiting import free_port

from benchmarks.peers.child import SERVER_CPU, Child
from benchmarks.peers.openings import upgrade_request
from benchmarks.peers.publishing import publish_command
from benchmarks.peers.tools import Tools, printed
from benchmarks.server import EVENT_BYTES, SERVER, Opening

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"lang":"benchmark","version":"1"}\r\n'


class Nats:
    def __init__(self, tools: Tools) -> None:
        self.name = "nats-server"
        self.port = 0
        self._tools = tools
        self._client_port = 0
        self._child: Child | None = None

    def start(self, directory: Path, *, organisations: int = 1) -> None:  # noqa: ARG002 - a subject is made when used
        directory.mkdir(parents=True, exist_ok=True)
        self.port, self._client_port = free_port(), free_port()
        file = directory / "nats.conf"
        file.write_text(self._configuration(), encoding="utf-8")
        command = [self._tools.nats, "--config", str(file)]
        self._child = Child(command, log=directory / "nats.log", cpu=SERVER_CPU, root=self._tools.root)
        for port in (self._client_port, self.port):
            self._child.wait_until_listening(port)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def processes(self) -> dict[str, list[int]]:
        return {SERVER: [self._child.pid] if self._child else []}

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        return self._openings(count, b"SUB org.%d 1\r\nPING\r\n" % organisation)

    def publisher(self, rate: int, seconds: float, size: int = EVENT_BYTES, organisation: int = 0) -> list[str]:
        return publish_command(
            "nats", self._client_port, rate=rate, seconds=seconds, size=size, organisation=organisation
        )

    def version(self) -> str:
        return printed(self._tools.nats, "--version")

    def _openings(self, count: int, subscribe: bytes) -> Iterator[Opening]:
        for _ in range(count):
            yield Opening(
                upgrade_request(self.port, "/"),
                after=(CONNECT + subscribe,),
                after_binary=True,
                answers=((b"PING\r\n", b"PONG\r\n"),),
                ready=b"PONG",
            )

    def _configuration(self) -> str:
        # Pings less often than a run is long: one may come in the same message as an event, where nobody answers it.
        return f"""\
listen: 127.0.0.1:{self._client_port}
ping_interval: "10m"
websocket {{
  listen: 127.0.0.1:{self.port}
  no_tls: true
  compression: false
}}
"""
