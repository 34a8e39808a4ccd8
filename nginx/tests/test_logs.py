"""No log of the gateway has a credential in it, whatever goes wrong."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from callboard_testkit.waiting import eventually
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect

from nginx.tests.conftest import Environment, Gateway

SECRET = "eyJhbGciOiJub25lIn0.secret"
CARRIERS = {"Authorization": f"Bearer {SECRET}", "Cookie": f"auth_token={SECRET}", "Referer": f"http://a/?t={SECRET}"}


def ask_everything(gateway: Gateway) -> None:
    with gateway.client(headers=CARRIERS) as client:
        for path in (
            "/",
            "/absent",
            "/auth/api/users/me",
            "/social/api/socials/ws",
            "/executions",
            "/socket.io/",
            "/ws",
        ):
            client.get(path, params={"token": SECRET, "sid": SECRET})
        for _ in range(5):
            client.post("/api/login", params={"token": SECRET}, json={"login": "a", "password": SECRET})
        client.post("/executions/update", params={"token": SECRET}, content=b"x" * (2 * 1024**2))
    for path in ("/social/api/socials/ws", "/socket.io/", "/ws", "/absent"):
        with (
            pytest.raises(InvalidHandshake),
            connect(f"ws://127.0.0.1:{gateway.port}{path}?token={SECRET}", proxy=None, additional_headers=CARRIERS),
        ):
            pass
    gateway.raw(f"GET /?token={SECRET} HTTP/1.1\r\n\r\n".encode())
    gateway.raw(f"GET http://a/?token={SECRET} HTTP/1.1\r\nHost: b c\r\n\r\n".encode())


def lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def test_a_dead_service_puts_no_credential_into_a_log(start_gateway: Callable[..., Gateway]) -> None:
    gateway = start_gateway(CALLBOARD_SIGN_IN_RATE="1r/m", CALLBOARD_SIGN_IN_BURST="1")
    ask_everything(gateway)
    log = gateway.stop()
    answered = {(line["method"], line["status"]) for line in lines(log)}
    assert {("GET", 502), ("POST", 502), ("POST", 413), ("POST", 429), ("GET", 404)} <= answered
    assert 400 in {status for _, status in answered}
    assert "/api/socials/ws" in log
    assert SECRET not in log
    assert "token=" not in log
    assert "sid=" not in log


def test_a_full_disk_or_lost_right_puts_no_credential_into_a_log(
    start_gateway: Callable[..., Gateway], upstream_environment: Environment
) -> None:
    gateway = start_gateway(**upstream_environment)
    # A directory in place of the temporary file's makes the write fail, as a full disk would.
    body = gateway.directory / "run" / "body"
    body.rmdir()
    body.write_text("not a directory", encoding="utf-8")
    with gateway.client(headers=CARRIERS) as client:
        answer = client.post("/executions/update", params={"token": SECRET}, content=b"x" * 500_000)
    assert answer.status_code == 500
    assert answer.json()["code"] == "gateway-error"
    assert SECRET not in gateway.stop()


async def test_a_line_of_the_access_log_says_who_asked_what_and_how_it_went(gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.get('/executions/run-"1"', params={"after": "x"})
    assert answer.status_code == httpx.codes.OK
    await eventually(lambda: answer.headers["x-request-id"] in gateway.log)
    (line,) = [line for line in lines(gateway.log) if line["request_id"] == answer.headers["x-request-id"]]
    assert line["path"] == "/executions/run-%221%22"
    assert (line["method"], line["status"], line["client"]) == ("GET", 200, "127.0.0.1")
    assert line["upstream_status"] == "200"
