"""Which addresses exist, and where they lead."""

import httpx
import pytest

from nginx.tests.conftest import Gateway

LED = [
    ("/auth/api/signup", "auth", "/api/signup"),
    ("/auth/api/login", "auth", "/api/login"),
    ("/auth/api/refresh", "auth", "/api/refresh"),
    ("/auth/api/logout", "auth", "/api/logout"),
    ("/auth/api/users/me", "auth", "/api/users/me"),
    ("/auth/users/me", "auth", "/users/me"),
    ("/auth/api/v1/tokens", "auth", "/api/v1/tokens"),
    ("/auth/api/v1/tokens/tok-1", "auth", "/api/v1/tokens/tok-1"),
    ("/auth/api/v1/tokens/tok-1/rotate", "auth", "/api/v1/tokens/tok-1/rotate"),
    ("/auth/api/audit", "auth", "/api/audit"),
    ("/auth/api/v1/sessions", "auth", "/api/v1/sessions"),
    ("/auth/.well-known/jwks.json", "auth", "/.well-known/jwks.json"),
    ("/social/api/socials/connect-token", "social", "/api/socials/connect-token"),
    ("/social/api/socials/ws", "social", "/api/socials/ws"),
    ("/social/api/socials/presence", "social", "/api/socials/presence"),
    ("/social/api/socials/rooms", "social", "/api/socials/rooms"),
    ("/social/api/socials/rooms/room-1", "social", "/api/socials/rooms/room-1"),
    ("/social/api/socials/rooms/room-1/join", "social", "/api/socials/rooms/room-1/join"),
    ("/social/api/socials/rooms/room-1/leave", "social", "/api/socials/rooms/room-1/leave"),
    ("/social/api/socials/rooms/room-1/messages", "social", "/api/socials/rooms/room-1/messages"),
    ("/social/api/socials/rooms/room-1/presence", "social", "/api/socials/rooms/room-1/presence"),
    ("/social/api/socials/rooms/room-1/members", "social", "/api/socials/rooms/room-1/members"),
    ("/social/api/socials/rooms/room-1/members/user-1", "social", "/api/socials/rooms/room-1/members/user-1"),
    ("/producer/executions", "producer", "/executions"),
    ("/producer/executions/update", "producer", "/executions/update"),
    ("/producer/executions/run-1", "producer", "/executions/run-1"),
    ("/producer/executions/run-1/logs", "producer", "/executions/run-1/logs"),
    ("/producer/workflows/flow-1/events", "producer", "/workflows/flow-1/events"),
]
ALIASES = [
    ("/api/login", "auth"),
    ("/api/logout", "auth"),
    ("/api/signup", "auth"),
    ("/api/users/me", "auth"),
    ("/api/v1/tokens", "auth"),
    ("/api/v1/tokens/tok-1", "auth"),
    ("/api/v1/tokens/tok-1/rotate", "auth"),
    ("/api/v1/sessions", "auth"),
    ("/api/socials/connect-token", "social"),
    ("/api/socials/ws", "social"),
    ("/api/socials/presence", "social"),
    ("/api/socials/rooms", "social"),
    ("/api/socials/rooms/room-1/messages", "social"),
    ("/socket.io", "social"),
    ("/socket.io/", "social"),
    ("/ws", "social"),
    ("/ws/", "social"),
    ("/executions", "producer"),
    ("/executions/update", "producer"),
    ("/executions/run-1", "producer"),
    ("/executions/run-1/logs", "producer"),
]
NOWHERE = [
    "/auth",
    "/auth/",
    "/auth/livez",
    "/auth/readyz",
    "/auth/metrics",
    "/auth/docs",
    "/auth/openapi.json",
    "/auth/api/admin",
    "/auth/api/login/",
    "/auth/api/loginx",
    "/auth/executions",
    "/social/metrics",
    "/social/openapi.json",
    "/auth/api/v1/tokens/tok-1/rotate/x",
    "/auth/api/audit/x",
    "/social/api/socials/ws/x",
    "/social/api/socials/rooms/",
    "/social/api/socials/rooms/room-1/x",
    "/social/api/socials/rooms/room-1/messages/x",
    "/social/socket.io/",
    "/social/ws",
    "/socket.io/x",
    "/socketxio/",
    "/ws/x",
    "/workflows/flow-1/events",
    "/producer/workflows",
    "/producer/workflows/flow-1",
    "/producer/workflows/flow-1/2/events",
    "/api/audit",
    "/producer/metrics",
    "/producer/executions/run-1/logs/x",
    "/producer/api/login",
    "/api/refresh",
    "/users/me",
    "/.well-known/jwks.json",
    "/readyz",
    "/metrics",
    "/xauth/api/login",
    "/producer/executions/..%2f..%2fauth/livez",
]


def reached(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 200, answer.text
    received = answer.json()
    return received["upstream"], received["path"]


@pytest.mark.parametrize(("path", "upstream", "stripped"), LED)
def test_a_listed_route_reaches_its_service_without_the_service_name(
    gateway: Gateway, path: str, upstream: str, stripped: str
) -> None:
    with gateway.client() as client:
        assert reached(client.get(path)) == (upstream, stripped)


@pytest.mark.parametrize(("path", "upstream"), ALIASES)
def test_a_root_alias_reaches_the_same_service_unchanged(gateway: Gateway, path: str, upstream: str) -> None:
    with gateway.client() as client:
        assert reached(client.get(path)) == (upstream, path)


@pytest.mark.parametrize("path", NOWHERE)
def test_what_is_not_listed_is_404_and_reaches_nobody(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


def test_the_query_string_reaches_the_service_as_it_was_written(gateway: Gateway) -> None:
    query = "?positions=org%40e1%3A7,logs%40e2%3A9&token=a.b-c_d"
    with gateway.client() as client:
        assert reached(client.get("/social/api/socials/ws" + query)) == ("social", "/api/socials/ws" + query)
        assert reached(client.get("/api/socials/ws" + query)) == ("social", "/api/socials/ws" + query)


def test_an_encoded_line_break_in_an_id_cannot_write_a_header_for_the_service(gateway: Gateway) -> None:
    forged = "/producer/executions/run%0d%0aX-Forged:%201"
    with gateway.client() as client:
        received = client.get(forged).json()
    assert "x-forged" not in received["headers"]
    assert received["path"].startswith("/executions/run%0D%0A")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize(
    ("path", "service", "stripped"),
    [
        ("/producer/executions", "producer", "/executions"),
        ("/social/api/socials/rooms/room-1", "social", "/api/socials/rooms/room-1"),
        ("/socket.io/", "social", "/socket.io/"),
    ],
)
def test_the_service_decides_about_methods_and_preflights(
    gateway: Gateway, method: str, path: str, service: str, stripped: str
) -> None:
    with gateway.client() as client:
        answer = client.request(method, path, headers={"Origin": "https://app.example"})
    assert reached(answer) == (service, stripped)
