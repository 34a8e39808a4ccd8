"""What a service learns about a request, and what a client gets back."""

import pytest
from callboard_testkit.waiting import eventually

from nginx.tests.conftest import Gateway
from nginx.tests.upstream import Upstream

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


def test_cookies_pass_untouched_in_both_directions(gateway: Gateway, upstreams: dict[str, Upstream]) -> None:
    cookies = ["auth_token=a.b.c; HttpOnly; SameSite=lax; Path=/", "__Host-refresh_token=x; Secure; HttpOnly; Path=/"]
    upstreams["auth"].headers = [("Set-Cookie", cookie) for cookie in cookies]
    with gateway.client() as client:
        answer = client.get("/auth/api/users/me", headers={"Cookie": "auth_token=a.b=c; other=%20x"})
    assert answer.json()["headers"]["cookie"] == "auth_token=a.b=c; other=%20x"
    assert answer.headers.get_list("set-cookie") == cookies


def test_the_client_address_cannot_be_forged(gateway: Gateway) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    with gateway.client() as client:
        received = client.get("/producer/executions", headers=forged).json()["headers"]
    assert received["x-forwarded-for"] == "127.0.0.1"
    assert not {"x-real-ip", "forwarded"} & received.keys()


def test_host_and_scheme_are_the_public_ones(gateway: Gateway) -> None:
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    with gateway.client() as client:
        received = client.get("/producer/executions", headers=forged).json()["headers"]
    assert received["host"] == f"127.0.0.1:{gateway.port}"
    assert received["x-forwarded-proto"] == "http"
    assert "x-forwarded-host" not in received


@pytest.mark.clause("HTTP-5")
async def test_the_request_id_is_the_gateways_own_for_the_service_and_the_client(
    gateway: Gateway, upstreams: dict[str, Upstream]
) -> None:
    upstreams["producer"].headers = [("X-Request-Id", "the-service-would-say-this")]
    with gateway.client() as client:
        answer = client.get("/producer/executions", headers={"X-Request-Id": "0123456789abcdef0123456789abcdef"})
    returned = answer.headers.get_list("x-request-id")
    assert returned == [answer.json()["headers"]["x-request-id"]]
    assert returned[0] != "0123456789abcdef0123456789abcdef"
    await eventually(lambda: f'"request_id":"{returned[0]}"' in gateway.log)


@pytest.mark.parametrize("path", ["/", "/producer/executions", "/absent"])
def test_every_answer_has_the_security_headers_once_and_no_version(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        answer = client.get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [value]
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["server"] == "nginx"


def test_an_upgrade_is_not_passed_on_outside_the_socket_route(gateway: Gateway) -> None:
    wish = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
    with gateway.client() as client:
        for path in ("/producer/executions", "/social/api/socials/ws", "/socket.io/", "/ws"):
            received = client.get(path, headers=wish).json()["headers"]
            assert "upgrade" not in received
        websocket = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert "upgrade" not in client.get("/auth/api/users/me", headers=websocket).json()["headers"]


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/executions/update", 1024**2), ("/executions/run-1/logs", 4 * 1024**2), ("/socket.io/", 1024**2)],
)
def test_a_body_at_the_limit_passes_whole(gateway: Gateway, path: str, limit: int) -> None:
    with gateway.client() as client:
        assert client.post(path, content=b"x" * limit).json()["bytes"] == limit


def test_a_chunked_body_reaches_the_service_whole(gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.post("/executions/update", content=(b"x" * 1000 for _ in range(100)))
    assert answer.json()["bytes"] == 100_000
