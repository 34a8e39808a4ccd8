"""A server behind NGINX: its clients come through a proxy that has one worker."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from callboard_testkit.waiting import free_port

from benchmarks.peers.child import SERVER_CPU
from benchmarks.peers.nginx_process import NginxProcess, surroundings, temporary_files
from benchmarks.peers.tools import Tools
from benchmarks.server import EVENT_BYTES, Opening, Server

GATEWAY = "gateway"
"""The role of NGINX's processes."""

Configuration = Callable[[int, int, Path], str]
"""From the port of the gateway, the port of the server, and the directory for what NGINX writes."""


class BehindGateway:
    """`configuration` is NGINX's whole text; `cpu` the one that the gateway runs on."""

    def __init__(self, server: Server, tools: Tools, configuration: Configuration, *, cpu: int = SERVER_CPU) -> None:
        self.name = f"{server.name} behind NGINX"
        self.port = 0
        self._server = server
        self._tools = tools
        self._configuration = configuration
        self._cpu = cpu
        self._nginx: NginxProcess | None = None

    def start(self, directory: Path, *, organisations: int = 1) -> None:
        self._server.start(directory, organisations=organisations)
        self.port = free_port()

        def configuration(run: Path) -> str:
            return self._configuration(self.port, self._server.port, run)

        self._nginx = NginxProcess(self._tools, directory / GATEWAY, self.port, configuration, cpu=self._cpu)

    def stop(self) -> None:
        if self._nginx is not None:
            self._nginx.stop()
            self._nginx = None
        self._server.stop()

    def processes(self) -> Mapping[str, list[int]]:
        return {**self._server.processes(), GATEWAY: self._nginx.pids() if self._nginx else []}

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        return self._server.openings(count, organisation)

    def publisher(self, rate: int, seconds: float, size: int = EVENT_BYTES, organisation: int = 0) -> list[str]:
        return self._server.publisher(rate, seconds, size, organisation)

    def version(self) -> str:
        return self._server.version()


def plain_proxy(port: int, upstream: int, directory: Path) -> str:
    """The proxy of "Reverse proxy" in Socket.IO's documentation, without an access log."""
    return f"""\
{surroundings(directory)}
http {{
    access_log off;
{temporary_files(directory)}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header Host $host;
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
        }}
    }}
}}
"""
