"""A server behind the gateway: NGINX with the configuration that the suite has, and one worker."""

from pathlib import Path

from benchmarks.machine import move, places
from benchmarks.peers.gateway import BehindGateway
from benchmarks.peers.tools import Tools
from benchmarks.server import Server
from nginx.render import render


class BehindOurGateway(BehindGateway):
    """Server and gateway share all processors, wherever the kernel puts them: either may be the one that is busier."""

    def __init__(self, server: Server, tools: Tools) -> None:
        super().__init__(server, tools, configuration)

    def start(self, directory: Path, *, organisations: int = 1) -> None:
        super().start(directory, organisations=organisations)
        for pids in self.processes().values():
            move(pids, places().all)


def configuration(port: int, upstream: int, directory: Path) -> str:
    """The gateway's own template; all it serves is one server."""
    peer = f"127.0.0.1:{upstream}"
    text = render(
        {
            "CALLBOARD_PORT": str(port),
            "CALLBOARD_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "CALLBOARD_GATEWAY_RUN_DIR": str(directory),
            "CALLBOARD_WEB_ROOT": str(directory),
            "CALLBOARD_AUTH_PEERS": peer,
            "CALLBOARD_SOCIAL_PEERS": peer,
            "CALLBOARD_PRODUCER_PEERS": peer,
        }
    )
    return text.replace("worker_processes auto;", "worker_processes 1;")
