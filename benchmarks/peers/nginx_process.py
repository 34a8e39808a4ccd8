"""One NGINX with one worker, and a directory of its own for all that it writes."""

import os
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.child import Child
from benchmarks.peers.tools import Tools

MAX_CONNECTIONS = 65_536


class NginxProcess:
    """`configuration` gets the directory and gives the whole text; what is in it listens on `port`."""

    def __init__(
        self, tools: Tools, directory: Path, port: int, configuration: Callable[[Path], str], *, cpu: int
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "nginx.conf"
        file.write_text(configuration(directory), encoding="utf-8")
        log = directory / "nginx.log"
        command = [tools.nginx, "-p", str(directory), "-e", str(log), "-c", str(file), "-g", "daemon off;"]
        self._child = Child(command, log=log, cpu=cpu, root=tools.root)
        self._child.wait_until_listening(port)

    def pids(self) -> list[int]:
        """The master and its worker."""
        master = self._child.pid
        workers = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
        return [master, *map(int, workers)]

    def stop(self) -> None:
        self._child.stop()


def surroundings(directory: Path) -> str:
    """What every configuration here begins with, outside `http`."""
    user = "user root;" if os.geteuid() == 0 else ""  # a worker of nobody could not write into the run's directory
    return f"""\
{user}
worker_processes 1;
worker_rlimit_nofile {MAX_CONNECTIONS};
pid "{directory}/nginx.pid";
error_log "{directory}/nginx.log" warn;
events {{
    worker_connections {MAX_CONNECTIONS};
}}
"""


def temporary_files(directory: Path) -> str:
    """Where `http` keeps its temporary files; without it NGINX wants the system's directories."""
    kinds = {"client_body": "body", "proxy": "proxy", "fastcgi": "fastcgi", "uwsgi": "uwsgi", "scgi": "scgi"}
    return "".join(f'    {kind}_temp_path "{directory}/{name}";\n' for kind, name in kinds.items())
