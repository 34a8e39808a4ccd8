"""A real NGINX with the rendered template, before small real servers that say what reached them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from callboard_testkit.waiting import eventually, free_port, wait_for_port

from nginx.tests.upstream import PATIENCE_SECONDS, Upstream
from nginx.tests.watched import ROOT, Watched

RENDER = Path(__file__).parents[1] / "render.py"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or "nginx"  # a normal user's PATH lacks sbin
Environment = dict[str, str]
Watch = Callable[..., Awaitable[Watched]]

WEB_FILES = {
    "index.html": "<!doctype html><title>Callboard</title>",
    "callboard.js": "export const text = 'all of it may be compressed';\n" * 100,
    "callboard-session.js": "export {};",
    "dashboard/main.js": "export const text = 'all of it may be compressed';\n" * 100,
    "dashboard/log/log.css": "body { color: black; }\n" * 100,
    "dashboard/mark.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "dashboard/.secret": "hidden",
    ".secret": "hidden",
    "package.json": "{}",
    "tests/client.test.js": "export {};",
    "node_modules/typescript/index.js": "export {};",
}
"""What stands in web/, and a few files that must not be served."""


@dataclass(frozen=True, slots=True)
class Gateway:
    port: int
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that NGINX has written so far, access and error log."""
        return (self.directory / "log").read_text(encoding="utf-8")

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, **options)

    def raw(self, request: bytes) -> bytes:
        """What comes back for these bytes, until the gateway closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as line:
            line.sendall(request)
            return b"".join(iter(lambda: line.recv(65_536), b""))

    def stop(self) -> str:
        """End it when its last log line is written; gives the log."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE_SECONDS)
        return self.log


def rendered(directory: Path, environment: Environment) -> subprocess.CompletedProcess[str]:
    """The renderer's result; ``directory`` gets nginx.conf, a run directory and files to serve."""
    run, web = directory / "run", directory / "web"
    for made in (run, web):
        made.mkdir(exist_ok=True)
    defaults = {
        "PATH": os.environ["PATH"],
        "CALLBOARD_GATEWAY_RUN_DIR": str(run),
        "CALLBOARD_WEB_ROOT": str(web),
        "CALLBOARD_AUTH_PEERS": "127.0.0.1:1",
        "CALLBOARD_SOCIAL_PEERS": "127.0.0.1:1",
        "CALLBOARD_PRODUCER_PEERS": "127.0.0.1:1",
    }
    command = [sys.executable, str(RENDER), str(directory / "nginx.conf")]
    return subprocess.run(command, env=defaults | environment, capture_output=True, text=True, check=False)


def _start(directory: Path, environment: Environment) -> Gateway:
    port = free_port()
    result = rendered(directory, {"CALLBOARD_PORT": str(port)} | environment)
    assert result.returncode == 0, result.stderr
    command = [NGINX, "-e", "stderr", "-c", str(directory / "nginx.conf"), "-g", "daemon off;"]
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    wait_for_port(port)
    return Gateway(port, directory, process)


@pytest.fixture(scope="session")
def upstreams() -> Iterator[dict[str, Upstream]]:
    servers = {name: Upstream(name) for name in ("auth", "social", "producer")}
    for server in servers.values():
        server.start()
    yield servers
    for server in servers.values():
        server.stop()


@pytest.fixture
def upstream_environment(upstreams: dict[str, Upstream]) -> Environment:
    return {f"CALLBOARD_{name.upper()}_PEERS": server.peer for name, server in upstreams.items()}


@pytest.fixture(scope="session")
def _shared(upstreams: dict[str, Upstream], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("gateway")
    peers = {f"CALLBOARD_{name.upper()}_PEERS": server.peer for name, server in upstreams.items()}
    gateway = _start(directory, {"CORS_ORIGINS": "https://app.example", **peers})
    for name, text in WEB_FILES.items():
        file = directory / "web" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    yield gateway
    gateway.stop()


@pytest.fixture
def gateway(_shared: Gateway, upstreams: dict[str, Upstream]) -> Gateway:
    """The gateway of the session, before upstreams that answer 200."""
    for server in upstreams.values():
        server.status, server.headers = 200, []
    return _shared


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway of the test's own, with these variables."""
    started: list[Gateway] = []

    def start(**environment: str) -> Gateway:
        directory = tmp_path / f"gateway-{len(started)}"
        directory.mkdir()
        started.append(_start(directory, environment))
        return started[-1]

    yield start
    for gateway in started:
        if gateway.process.poll() is None:
            gateway.stop()


@pytest.fixture
def start_upstream() -> Iterator[Callable[..., Upstream]]:
    """Starts a server of the test's own, at this host and port or a free one."""
    started: list[Upstream] = []

    def start(name: str, host: str = "127.0.0.1", port: int = 0) -> Upstream:
        started.append(Upstream(name, host, port))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


def _launch(directory: Path, names: dict[str, list[str]], variables: Environment) -> Watched:
    for made in (directory / "run", directory / "web"):
        made.mkdir(parents=True)
    (directory / "web" / "index.html").write_text(WEB_FILES["index.html"], encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "CALLBOARD_PORT": str(free_port()),
        "CALLBOARD_GATEWAY_RUN_DIR": str(directory / "run"),
        "CALLBOARD_WEB_ROOT": str(directory / "web"),
        "CALLBOARD_AUTH_PEERS": "auth:1",
        "CALLBOARD_SOCIAL_PEERS": "social:1",
        "CALLBOARD_PRODUCER_PEERS": "producer:1",
        "CALLBOARD_PEERS_INTERVAL": "0.05",
        **variables,
    }
    (directory / "names").write_text(json.dumps(names), encoding="utf-8")
    command = [sys.executable, "-m", "nginx.tests.scripted_names", str(directory / "names")]
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    return Watched(process, directory, environment)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """Starts a gateway under its own process 1, with these names and variables; gives it when it answers."""
    started: list[Watched] = []

    async def start(names: dict[str, list[str]], **variables: str) -> Watched:
        watched = _launch(tmp_path / f"watched-{len(started)}", names, variables)
        started.append(watched)
        # Not merely a port that is open: for a moment that is the trial of the configuration.
        await eventually(lambda: watched.status("/") > 0)
        return watched

    yield start
    for watched in started:
        if watched.process.poll() is None:
            watched.end()
