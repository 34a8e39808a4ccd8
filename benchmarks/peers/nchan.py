"""Nchan: C inside NGINX, one worker, messages published by HTTP POST."""

from collections.abc import Iterable
from pathlib import Path

from callboard_testkit.waiting import free_port

from benchmarks.peers.child import SERVER_CPU
from benchmarks.peers.nginx_process import NginxProcess, surroundings, temporary_files
from benchmarks.peers.openings import plain_openings
from benchmarks.peers.publishing import publish_command
from benchmarks.peers.tools import Tools, printed
from benchmarks.server import EVENT_BYTES, SERVER, Opening

BUFFERED_MESSAGES = 100
"""Kept for a moment only: a subscriber that is busy takes the next message from there."""


class Nchan:
    def __init__(self, tools: Tools) -> None:
        self.name = "Nchan"
        self.port = 0
        self._tools = tools
        self._nginx: NginxProcess | None = None

    def start(self, directory: Path, *, organisations: int = 1) -> None:  # noqa: ARG002 - a channel is made when used
        self.port = free_port()
        self._nginx = NginxProcess(self._tools, directory, self.port, self._configuration, cpu=SERVER_CPU)

    def stop(self) -> None:
        if self._nginx is not None:
            self._nginx.stop()
            self._nginx = None

    def processes(self) -> dict[str, list[int]]:
        return {SERVER: self._nginx.pids() if self._nginx else []}

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        return plain_openings(self.port, f"/subscribe?org={organisation}", count)

    def publisher(self, rate: int, seconds: float, size: int = EVENT_BYTES, organisation: int = 0) -> list[str]:
        return publish_command("nchan", self.port, rate=rate, seconds=seconds, size=size, organisation=organisation)

    def version(self) -> str:
        nginx = printed(self._tools.nginx, "-v").removeprefix("nginx version: ").replace("/", " ")
        module = printed("dpkg-query", "--show", "--showformat=${Version}", "libnginx-mod-nchan")
        return f"{nginx}, nchan {module}"

    def _configuration(self, directory: Path) -> str:
        return f"""\
load_module "{self._tools.nchan}";
{surroundings(directory)}
http {{
    access_log off;
{temporary_files(directory)}
    nchan_shared_memory_size 256m;
    server {{
        listen 127.0.0.1:{self.port} backlog=4096;
        keepalive_requests 100000000;
        location = /subscribe {{
            nchan_subscriber websocket;
            nchan_channel_id "org-$arg_org";
            nchan_subscriber_first_message newest;
        }}
        location = /publish {{
            nchan_publisher http;
            nchan_channel_id "org-$arg_org";
            nchan_message_buffer_length {BUFFERED_MESSAGES};
            nchan_message_timeout 5s;
        }}
    }}
}}
"""
