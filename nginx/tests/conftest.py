"""A real NGINX with the rendered template, before small real servers that say what reached them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from callboard_testkit.waiting import free_port, wait_for_port

RENDER = Path(__file__).parents[1] / "render.py"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or "nginx"  # a normal user's PATH lacks sbin
PATIENCE_SECONDS = 15.0
Environment = dict[str, str]


class Upstream:
    """Answers every request with what it received; ``status`` and ``headers`` decide how."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.status = 200
        self.headers: list[tuple[str, str]] = []
        self.asked = 0
        config = uvicorn.Config(
            self._answer,
            port=self.port,
            interface="asgi3",
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def peer(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        wait_for_port(self.port)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        body = b""
        if scope["type"] == "http":
            while (message := await receive())["type"] == "http.request":
                body += message["body"]
                if not message.get("more_body"):
                    break
        path = scope["raw_path"].decode()
        query = scope["query_string"].decode()
        received = {
            "upstream": self.name,
            "path": path + (f"?{query}" if query else ""),
            "headers": {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]},
            "bytes": len(body),
        }
        if scope["type"] == "websocket" and self.status == 200:
            await self._converse(scope, receive, send, received)
            return
        prefix = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        headers = [(name.encode(), value.encode()) for name, value in self.headers]
        await send({"type": f"{prefix}.start", "status": self.status, "headers": headers})
        await send({"type": f"{prefix}.body", "body": json.dumps(received).encode()})

    @staticmethod
    async def _converse(scope: Any, receive: Any, send: Any, received: dict[str, Any]) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
        await send({"type": "websocket.send", "text": json.dumps(received)})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})


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
    (directory / "web" / "index.html").write_text("<!doctype html><title>Callboard</title>", encoding="utf-8")
    (directory / "web" / "app.js").write_text("export {};", encoding="utf-8")
    (directory / "web" / ".secret").write_text("hidden", encoding="utf-8")
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
def start_upstream() -> Iterator[Callable[[str], Upstream]]:
    started: list[Upstream] = []

    def start(name: str) -> Upstream:
        started.append(Upstream(name))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()
