"""Upgrades through the gateway, and replicas that hand over."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from callboard_testkit.waiting import free_port
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from nginx.tests.conftest import Gateway
from nginx.tests.upstream import Upstream

PATHS = {
    "/social/api/socials/ws": "/api/socials/ws",
    "/api/socials/ws": "/api/socials/ws",
    "/ws": "/ws",
    "/ws/": "/ws/",
    "/socket.io/": "/socket.io/",
}
"""Where an upgrade is passed on, and the path that social sees."""
NATIVE = "/social/api/socials/ws"
REPLICAS = 6


def upgrade(gateway: Gateway, path: str = NATIVE, **options: Any) -> ClientConnection:
    socket: ClientConnection = connect(f"ws://127.0.0.1:{gateway.port}{path}", proxy=None, **options)
    return socket


@pytest.mark.parametrize("path", PATHS)
def test_an_upgrade_keeps_its_sub_protocol_cookie_origin_and_query(gateway: Gateway, path: str) -> None:
    headers = {"Cookie": "auth_token=a.b.c", "X-Forwarded-For": "203.0.113.9"}
    protocols = [Subprotocol("callboard.v1"), Subprotocol("ticket.a.b.c")]
    with upgrade(
        gateway, f"{path}?token=x", subprotocols=protocols, additional_headers=headers, origin="https://app.example"
    ) as socket:
        received = json.loads(socket.recv(timeout=10))
        assert socket.subprotocol == "callboard.v1"
    assert received["path"] == f"{PATHS[path]}?token=x"
    assert received["headers"]["cookie"] == "auth_token=a.b.c"
    assert received["headers"]["origin"] == "https://app.example"
    assert received["headers"]["sec-websocket-protocol"] == "callboard.v1, ticket.a.b.c"
    assert received["headers"]["x-forwarded-for"] == "127.0.0.1"


def test_frames_pass_in_both_directions_in_order(gateway: Gateway) -> None:
    with upgrade(gateway) as socket:
        socket.recv(timeout=10)
        sent = [f"{number} " + "x" * 20_000 for number in range(50)]
        for text in sent:
            socket.send(text)
        assert [socket.recv(timeout=10) for _ in sent] == sent


def test_the_refusal_of_an_upgrade_is_the_services_own(gateway: Gateway, upstreams: dict[str, Upstream]) -> None:
    upstreams["social"].status = 401
    with pytest.raises(InvalidStatus) as refusal, upgrade(gateway):
        pass
    assert refusal.value.response.status_code == 401
    assert json.loads(refusal.value.response.body or b"")["upstream"] == "social"


@pytest.mark.parametrize("path", [NATIVE, "/ws", "/socket.io/?EIO=4&transport=websocket"])
def test_a_replica_that_answers_503_hands_upgrades_and_tickets_to_the_next(
    start_gateway: Callable[..., Gateway], start_upstream: Callable[..., Upstream], path: str
) -> None:
    draining, ready = start_upstream("draining"), start_upstream("ready")
    draining.status = 503
    gateway = start_gateway(CALLBOARD_SOCIAL_PEERS=f"{draining.peer} {ready.peer}")
    with gateway.client() as client:
        for _ in range(REPLICAS):
            with upgrade(gateway, path) as socket:
                assert json.loads(socket.recv(timeout=10))["upstream"] == "ready"
            assert client.post("/social/api/socials/connect-token").json()["upstream"] == "ready"
    assert draining.asked > 0


@pytest.mark.parametrize("path", [NATIVE, "/ws"])
def test_a_replica_that_is_gone_is_passed_over(
    start_gateway: Callable[..., Gateway], start_upstream: Callable[..., Upstream], path: str
) -> None:
    ready = start_upstream("ready")
    gateway = start_gateway(CALLBOARD_SOCIAL_PEERS=f"127.0.0.1:{free_port()} {ready.peer}")
    for _ in range(REPLICAS):
        with upgrade(gateway, path) as socket:
            assert json.loads(socket.recv(timeout=10))["upstream"] == "ready"


def test_replicas_that_all_answer_503_stay_in_use(
    start_gateway: Callable[..., Gateway], start_upstream: Callable[..., Upstream]
) -> None:
    replicas = [start_upstream("one"), start_upstream("two")]
    gateway = start_gateway(CALLBOARD_SOCIAL_PEERS=" ".join(replica.peer for replica in replicas))
    with gateway.client() as client:
        for replica in replicas:
            replica.status = 503
        for _ in range(REPLICAS):
            assert client.post("/api/socials/connect-token").status_code == 503
        for replica in replicas:
            replica.status = 200
        assert client.post("/api/socials/connect-token").status_code == 200
