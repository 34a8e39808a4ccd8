"""A started process: two ports, its signals, and logs without a secret."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from callboard_testkit.waiting import eventually, free_port
from websockets.asyncio.client import connect as open_socket

PROGRAM = """
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from callboard_servicekit.app import build_app, stop_process, stopping_of, telemetry_of
from callboard_servicekit.serve import Listener, serve
from callboard_servicekit.settings import ServiceSettings
from fastapi import FastAPI, WebSocket


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    if os.environ.get("FAILS_TO_START"):
        raise RuntimeError("cannot start")
    yield
    print("closed in order", flush=True)


settings = ServiceSettings()
app = build_app("tiny", settings, lifespan)
telemetry_of(app).add_check("nothing", lambda: asyncio.sleep(0))
released = asyncio.Event()


async def drain(window: timedelta) -> None:
    if os.environ["DRAIN"] == "fails":
        raise RuntimeError("cannot drain")
    print("draining", window, flush=True)
    try:
        await released.wait()
    except asyncio.CancelledError:
        print("drained in a hurry", flush=True)
        raise


if os.environ.get("DRAIN"):
    stopping_of(app).drain_by(drain)


@app.post("/release")
async def release() -> None:
    released.set()


@app.get("/client")
async def client(request: __import__("starlette.requests").requests.Request) -> str:
    return request.client.host


@app.get("/long")
async def long() -> None:
    print("under way", flush=True)
    await asyncio.Event().wait()


@app.post("/die")
async def die() -> None:
    stop_process()


@app.websocket("/ws")
async def ws(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


port, internal_port = int(sys.argv[1]), int(sys.argv[2])
serve("tiny", app, settings, Listener("127.0.0.1", port, internal_port, {"ws": "websockets-sansio"}))
"""


class Tiny:
    def __init__(self, process: Process, port: int, internal_port: int) -> None:
        self.process = process
        self.public = f"http://127.0.0.1:{port}"
        self.internal = f"http://127.0.0.1:{internal_port}"

    async def ended(self) -> tuple[int, str]:
        """Its exit code, and all that it wrote."""
        async with asyncio.timeout(20):
            output, _ = await self.process.communicate()
        return self.process.returncode or 0, output.decode()


@asynccontextmanager
async def started(folder: Path, *ports: int, **environment: str) -> AsyncIterator[Tiny]:
    program = folder / "tiny.py"
    program.write_text(PROGRAM)
    public, internal = ports or (free_port(), free_port())
    arguments = [sys.executable, str(program), str(public), str(internal)]
    environment |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    try:
        yield Tiny(process, public, internal)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def is_up(http: httpx.AsyncClient, url: str) -> bool:
    try:
        await http.get(url)
    except httpx.TransportError:
        return False
    return True


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
async def tiny(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Tiny]:
    async with started(tmp_path) as tiny:
        await eventually(lambda: is_up(http, tiny.public))
        yield tiny


async def test_health_and_metrics_are_on_the_internal_port_only(tiny: Tiny, http: httpx.AsyncClient) -> None:
    assert (await http.get(tiny.internal + "/livez")).json() == {"status": "alive"}
    assert (await http.get(tiny.internal + "/readyz")).json() == {"status": "ready"}
    metrics = (await http.get(tiny.internal + "/metrics")).text
    assert 'route="unmatched"' in metrics
    assert 'callboard_build_info{service="tiny",version="' in metrics
    assert "process_resident_memory_bytes" in metrics
    assert "_created" not in metrics
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await http.get(tiny.public + path)).status_code == 404
    assert (await http.get(tiny.internal + "/client")).status_code == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order_with_code_0(tiny: Tiny, number: signal.Signals) -> None:
    tiny.process.send_signal(number)
    code, output = await tiny.ended()
    assert code == 0
    assert "closed in order" in output
    assert "Traceback" not in output


async def is_draining(tiny: Tiny, http: httpx.AsyncClient) -> bool:
    answer = await http.get(tiny.internal + "/readyz")
    return (answer.status_code, answer.json()) == (503, {"status": "unready", "failing": ["draining"]})


@asynccontextmanager
async def told_to_stop(folder: Path, http: httpx.AsyncClient, **environment: str) -> AsyncIterator[Tiny]:
    """One that waits in its drain."""
    async with started(folder, DRAIN="waits", **environment) as tiny:
        await eventually(lambda: is_up(http, tiny.public))
        tiny.process.terminate()
        await eventually(lambda: is_draining(tiny, http))
        yield tiny


async def test_while_it_drains_it_is_unready_and_still_answers(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with told_to_stop(tmp_path, http, CALLBOARD_DRAIN_WINDOW="7s") as tiny:
        async with httpx.AsyncClient() as newcomer:
            assert (await newcomer.get(tiny.public + "/client")).status_code == 200
        assert (await http.get(tiny.internal + "/livez")).status_code == 200
        assert (await http.post(tiny.public + "/release")).status_code == 200
        code, output = await tiny.ended()
    assert code == 0
    assert "draining 0:00:07" in output
    assert "in a hurry" not in output
    assert "closed in order" in output


async def test_a_second_signal_hurries_the_drain(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with told_to_stop(tmp_path, http) as tiny:
        tiny.process.terminate()
        code, output = await tiny.ended()
    assert code == 0
    assert "drained in a hurry" in output
    assert "closed in order" in output
    assert "Traceback" not in output


async def test_a_second_signal_hurries_what_is_under_way_too(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with started(tmp_path, CALLBOARD_DRAIN_WINDOW="10m") as tiny:
        await eventually(lambda: is_up(http, tiny.public))
        async with under_way(tiny, http):
            tiny.process.terminate()

            async def is_closed() -> bool:
                async with httpx.AsyncClient() as newcomer:
                    return not await is_up(newcomer, tiny.public)

            await eventually(is_closed)
            tiny.process.terminate()
            code, output = await tiny.ended()
    assert code == 0
    assert "closed in order" in output


async def test_a_drain_that_fails_does_not_keep_it(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with started(tmp_path, DRAIN="fails") as tiny:
        await eventually(lambda: is_up(http, tiny.public))
        tiny.process.terminate()
        code, output = await tiny.ended()
    assert code == 0
    assert "drain_failed" in output
    assert "cannot drain" in output
    assert "closed in order" in output


@asynccontextmanager
async def under_way(tiny: Tiny, http: httpx.AsyncClient) -> AsyncIterator[None]:
    """A call that does not end by itself."""
    assert tiny.process.stdout is not None
    calling = asyncio.create_task(http.get(tiny.public + "/long", timeout=20))
    while b"under way" not in await tiny.process.stdout.readline():
        pass
    yield
    await asyncio.gather(calling, return_exceptions=True)


async def test_what_is_under_way_is_cut_when_the_drain_window_is_over(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with started(tmp_path, CALLBOARD_DRAIN_WINDOW="1s") as tiny:
        await eventually(lambda: is_up(http, tiny.public))
        async with under_way(tiny, http):
            told_at = asyncio.get_running_loop().time()
            tiny.process.terminate()
            code, output = await tiny.ended()
            seconds = asyncio.get_running_loop().time() - told_at
    assert code == 0
    assert "closed in order" in output
    assert 1 <= seconds < 9


async def test_a_service_that_gives_itself_up_ends_in_order_too(tiny: Tiny, http: httpx.AsyncClient) -> None:
    assert (await http.post(tiny.public + "/die")).status_code == 200
    code, output = await tiny.ended()
    assert code == 0
    assert "closed in order" in output


async def test_an_application_that_cannot_start_is_an_error_and_listens_nowhere(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    async with started(tmp_path, FAILS_TO_START="1") as tiny:
        code, output = await tiny.ended()
        assert code != 0
        assert "cannot start" in output
        assert not await is_up(http, tiny.internal)


@pytest.mark.parametrize("taken", ["public", "internal"])
async def test_a_port_that_is_taken_is_an_error(tmp_path: Path, taken: str) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ports = (port, free_port()) if taken == "public" else (free_port(), port)
    async with started(tmp_path, *ports) as tiny:
        code, output = await tiny.ended()
    server.close()
    assert code != 0
    assert "address already in use" in output


async def test_its_log_has_calls_without_their_query_and_sockets_not_at_all(
    tiny: Tiny, http: httpx.AsyncClient
) -> None:
    await http.get(tiny.public + "/client?token=swordfish", headers={"X-Request-Id": "abcdefgh"})
    async with open_socket(tiny.public.replace("http", "ws") + "/ws?token=swordfish", proxy=None):
        pass
    tiny.process.terminate()
    _, output = await tiny.ended()
    assert '"path": "/client"' in output
    assert '"request_id": "abcdefgh"' in output
    assert "swordfish" not in output


async def test_a_forwarded_address_is_believed_from_the_gateway_s_address_only(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    for allowed, expected in (("127.0.0.1", "203.0.113.9"), ("192.0.2.1", "127.0.0.1")):
        async with started(tmp_path, FORWARDED_ALLOW_IPS=allowed) as tiny:
            await eventually(lambda url=tiny.public: is_up(http, url))  # type: ignore[misc]
            assert (await http.get(tiny.public + "/client", headers=forwarded)).json() == expected


async def test_neither_port_says_what_it_runs_on(tiny: Tiny, http: httpx.AsyncClient) -> None:
    for url in (tiny.public, tiny.internal):
        assert "server" not in (await http.get(url)).headers
