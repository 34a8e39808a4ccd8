"""Where the programs are that `make bench` has installed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from callboard_testkit.node_socketio import NODE
from callboard_testkit.redis_server import redis_executable

PROGRAMS = Path(__file__).parent / "programs"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
NGINX_MODULES = Path("/usr/lib/nginx/modules")


class ToolMissing(Exception):
    """A program or a package that a peer needs is not installed; the message names it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of programs; `nchan` is the module that NGINX loads, `root` the checkout."""

    root: Path
    python: str
    node: str
    redis: str
    nginx: str
    nchan: str
    nats: str


def find_tools(root: Path, *, environment: Path) -> Tools:
    """The tools of this machine; `environment` is the virtual environment of the Python peers. Raises ToolMissing."""
    packages = root / "benchmarks" / "node_modules"
    return Tools(
        root=root,
        python=_existing(environment / "bin" / "python"),
        node=NODE if _existing(packages) else "",
        redis=redis_executable(),
        nginx=_program("nginx"),
        nchan=_existing(NGINX_MODULES / "ngx_nchan_module.so"),
        nats=_program("nats-server"),
    )


def printed(*command: str) -> str:
    """What a command prints, on whichever of the two; raises CalledProcessError."""
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return ran.stdout.strip()


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        raise ToolMissing(f"{name} is not installed")
    return found


def _existing(path: Path) -> str:
    if not path.exists():
        raise ToolMissing(f"{path} is not there")
    return str(path)
