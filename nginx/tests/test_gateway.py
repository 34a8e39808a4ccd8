"""Process 1 of the container: how it starts, says how it is, and ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from callboard_testkit.waiting import eventually
from websockets.sync.client import connect

from nginx.tests.conftest import Watch
from nginx.tests.upstream import PATIENCE_SECONDS, Upstream
from nginx.tests.watched import ROOT

ONE = "127.0.0.1"


async def test_a_stop_lets_a_request_finish_and_says_it_went_well(
    watch: Watch, start_upstream: Callable[..., Upstream]
) -> None:
    slow = start_upstream("slow")
    watched = await watch({"auth": [ONE]}, CALLBOARD_AUTH_PEERS=f"auth:{slow.port}")
    slow.released.clear()
    with ThreadPoolExecutor() as background:
        held = background.submit(watched.status, "/auth/api/users/me")
        await eventually(lambda: slow.asked == 1)
        watched.process.send_signal(signal.SIGTERM)
        await eventually(lambda: watched.status("/") == 0)
        slow.released.set()
        assert held.result(PATIENCE_SECONDS) == 200
    assert watched.process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize(("grace", "signals"), [("0.2", 1), ("3600", 2)])
async def test_a_stop_cuts_open_sockets_after_the_grace_or_when_asked_twice(
    watch: Watch, start_upstream: Callable[..., Upstream], grace: str, signals: int
) -> None:
    one = start_upstream("one")
    variables = {"CALLBOARD_SOCIAL_PEERS": f"social:{one.port}", "CALLBOARD_GATEWAY_STOP_SECONDS": grace}
    watched = await watch({"social": [ONE]}, **variables)
    nginx = watched.nginx
    with connect(watched.socket_url, proxy=None) as opened:
        opened.recv(timeout=10)
        for number in range(signals):
            watched.process.send_signal(signal.SIGTERM)
            await eventually(lambda: watched.status("/") == 0)
            assert number == signals - 1 or watched.process.poll() is None
        assert watched.process.wait(PATIENCE_SECONDS) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(nginx, 0)


async def test_when_nginx_dies_the_container_ends_with_an_error(watch: Watch) -> None:
    watched = await watch({})
    os.kill(watched.nginx, signal.SIGTERM)
    assert watched.process.wait(PATIENCE_SECONDS) == 1
    (line,) = watched.told("gateway_failed")
    assert line["nginx_exit_code"] == 0


async def test_health_is_that_nginx_answers_and_leaves_no_line_in_the_log(watch: Watch) -> None:
    watched = await watch({})
    assert watched.healthy()
    assert "HEAD" not in watched.log
    watched.end()
    assert not watched.healthy()


async def test_who_only_calls_itself_the_health_check_is_logged(watch: Watch) -> None:
    watched = await watch({})
    asked = [("GET", "/"), ("HEAD", "/absent"), ("HEAD", "/?x")]
    headers = {"User-Agent": "callboard-health"}
    async with httpx.AsyncClient(base_url=watched.url, headers=headers, trust_env=False) as client:
        for method, path in asked:
            await client.request(method, path)
    watched.end()
    logged = [(line["method"], line["status"]) for line in watched.lines() if "method" in line]
    assert logged[-3:] == [("GET", 200), ("HEAD", 404), ("HEAD", 200)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CALLBOARD_PORT", "http"),
        ("CALLBOARD_BIND", "203.0.113.1"),
        ("CALLBOARD_AUTH_PEERS", "auth"),
        ("CALLBOARD_PEERS_INTERVAL", "0"),
        ("CALLBOARD_GATEWAY_STOP_SECONDS", "soon"),
        ("CALLBOARD_TLS_KEY", "/absent.pem"),
    ],
)
def test_an_unusable_environment_is_named_and_nothing_starts(tmp_path: Path, variable: str, value: str) -> None:
    environment = {
        "CALLBOARD_GATEWAY_RUN_DIR": str(tmp_path),
        "CALLBOARD_WEB_ROOT": str(tmp_path),
        **dict.fromkeys(("CALLBOARD_AUTH_PEERS", "CALLBOARD_SOCIAL_PEERS", "CALLBOARD_PRODUCER_PEERS"), "localhost:1"),
    }
    command = [sys.executable, "-m", "nginx.gateway"]
    result = subprocess.run(command, env=environment | {variable: value}, cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == 1
    line = json.loads(result.stdout)
    assert line["event"] == "configuration_refused"
    assert variable in line["reason"] or value in line["reason"]
    assert result.stderr == b""
