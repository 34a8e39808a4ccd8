"""The gateway's own errors have the form of the services', and theirs pass as they are."""

import json
from collections.abc import Callable

import httpx
import pytest
from callboard_contracts.problems import Problem

from nginx.tests.conftest import Gateway
from nginx.tests.upstream import Upstream

LONG = "x" * 9_000


def assert_problem(answer: httpx.Response, status: int, code: str) -> Problem:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert (problem.status, problem.code, problem.type) == (status, code, f"about:blank#{code}")
    assert answer.headers.get_list("x-request-id") == [problem.request_id]
    return problem


def test_an_unknown_path_is_a_problem_that_names_it(gateway: Gateway) -> None:
    with gateway.client() as client:
        problem = assert_problem(client.get("/absent/page?token=secret"), 404, "not-found")
    assert problem.instance == "/absent/page"
    assert problem.title == "Not Found"


@pytest.mark.clause("GATE-4")
@pytest.mark.parametrize(
    ("path", "limit"),
    [("/executions/update", 1024**2), ("/executions/run-1/logs", 4 * 1024**2), ("/socket.io/", 1024**2)],
)
def test_a_body_over_the_limit_is_413(gateway: Gateway, path: str, limit: int) -> None:
    with gateway.client() as client:
        assert_problem(client.post(path, content=b"x" * (limit + 1)), 413, "body-too-large")


def test_an_overlong_address_is_414(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert_problem(client.get("/" + LONG), 414, "uri-too-long")


def test_overlong_headers_are_431(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert_problem(client.get("/producer/executions", headers={"Cookie": LONG}), 431, "headers-too-large")


def test_a_method_that_files_do_not_take_is_405(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert_problem(client.post("/callboard.js"), 405, "method-not-allowed")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        b"POST /executions HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
def test_what_is_no_http_request_is_400_and_closed(gateway: Gateway, request_bytes: bytes) -> None:
    head, _, body = gateway.raw(request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert Problem.model_validate_json(body).code == "bad-request"


def test_a_path_that_would_break_the_json_is_left_out_of_it(gateway: Gateway) -> None:
    answer = gateway.raw(b'GET /a"\\\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["instance"] == ""


@pytest.mark.clause("HTTP-6")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_an_allowed_origin_can_read_the_gateways_own_errors(gateway: Gateway, host: str) -> None:
    with gateway.client() as client:
        for origin in (f"http://{host}:{gateway.port}", "https://app.example"):
            answer = client.get("/absent", headers={"Origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.evil.example", "null"])
def test_another_origin_cannot(gateway: Gateway, origin: str) -> None:
    with gateway.client() as client:
        answer = client.get("/absent", headers={"Origin": origin})
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 502, 503])
def test_an_error_of_a_service_passes_untouched(gateway: Gateway, upstreams: dict[str, Upstream], status: int) -> None:
    upstreams["producer"].status = status
    upstreams["producer"].headers = [("Content-Type", "application/problem+json"), ("Retry-After", "77")]
    with gateway.client() as client:
        answer = client.get("/producer/executions", headers={"Origin": "https://app.example"})
    assert answer.status_code == status
    assert answer.json()["upstream"] == "producer"
    assert answer.headers.get_list("retry-after") == ["77"]
    # Only a service says which origins its answers are for.
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.clause("GATE-4")
@pytest.mark.parametrize(
    "path", ["/auth/api/users/me", "/social/api/socials/connect-token", "/executions/update", "/socket.io/"]
)
def test_a_service_that_is_away_is_502_with_retry_after(start_gateway: Callable[..., Gateway], path: str) -> None:
    gateway = start_gateway(CORS_ORIGINS="https://app.example")
    with gateway.client() as client:
        answer = client.post(path, content=b"{}", headers={"Origin": "https://app.example"})
    assert_problem(answer, 502, "bad-gateway")
    assert answer.headers.get_list("retry-after") == ["2"]
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
