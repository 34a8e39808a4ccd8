"""Socket.IO by polling: every request of a session reaches the replica that the session lives in."""

import re
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from callboard_testkit.waiting import eventually, free_port

from nginx.tests.conftest import Gateway, Watch
from nginx.tests.upstream import PATIENCE_SECONDS, Upstream
from nginx.tests.watched import Watched

KEY = re.compile(r"[0-9a-f]{32}")
SESSIONS = 60
POLLS = 5
ONE, TWO, THREE = "127.0.0.1", "127.0.0.2", "127.0.0.3"


def opened(client: httpx.Client) -> tuple[str, str]:
    """The replica that a new session is opened in, and the key that it is told."""
    received = client.get("/socket.io/", params={"EIO": "4", "transport": "polling"}).json()
    return received["upstream"], received["headers"]["x-sio-key"]


def polled(client: httpx.Client, key: str, method: str = "GET", path: str = "/socket.io/") -> str:
    """The replica that a request of a session with this key reaches."""
    answer = client.request(method, path, params={"EIO": "4", "transport": "polling", "sid": key + "sEcReT-_1"})
    return str(answer.json()["upstream"])


def three(start_upstream: Callable[..., Upstream]) -> list[Upstream]:
    return [start_upstream(name) for name in ("one", "two", "three")]


def test_every_request_of_a_session_reaches_the_replica_that_opened_it(
    start_gateway: Callable[..., Gateway], start_upstream: Callable[..., Upstream]
) -> None:
    gateway = start_gateway(CALLBOARD_SOCIAL_PEERS=" ".join(replica.peer for replica in three(start_upstream)))
    with gateway.client() as client:
        homes: dict[str, str] = {}
        for _ in range(SESSIONS):
            home, key = opened(client)
            homes[key] = home
        assert len(homes) == SESSIONS
        for key, home in homes.items():
            assert {polled(client, key, method) for method in ["GET", "POST"] * POLLS} == {home}
    assert set(Counter(homes.values())) == {"one", "two", "three"}


def test_the_key_is_the_gateways_own_for_a_new_session_and_the_sessions_own_after(gateway: Gateway) -> None:
    forged = {"X-Sio-Key": "f" * 32}
    with gateway.client(headers=forged) as client:
        keys = [client.get("/socket.io/").json()["headers"]["x-sio-key"] for _ in range(3)]
        assert len(set(keys)) == 3
        chosen = [f"?{name}={'f' * 32}" for name in ("SID", "Sid", "xsid", "s%69d")]
        keys = [client.get("/socket.io/" + query).json()["headers"]["x-sio-key"] for query in chosen]
        assert "f" * 32 not in keys
        assert all(KEY.fullmatch(key) for key in keys)
        assert "f" * 32 not in keys
        again = client.get("/ws/", params={"sid": keys[0] + "rest"}).json()["headers"]
        assert again["x-sio-key"] == keys[0]


@pytest.mark.parametrize("sid", ["", "short", "F" * 32, "g" * 32, "%66" * 32])
def test_a_sid_that_does_not_begin_with_a_key_is_as_good_as_none(gateway: Gateway, sid: str) -> None:
    with gateway.client() as client:
        received = client.get(f"/socket.io/?EIO=4&sid={sid}").json()
    assert KEY.fullmatch(received["headers"]["x-sio-key"])
    assert received["headers"]["x-sio-key"] == received["headers"]["x-request-id"]


@pytest.mark.parametrize(
    "path",
    ["/social/api/socials/ws", "/social/api/socials/connect-token", "/social/api/socials/rooms", "/auth/api/users/me"],
)
def test_no_other_route_tells_a_key_least_of_all_the_clients(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        received = client.get(path, params={"sid": "a" * 32}, headers={"X-Sio-Key": "f" * 32}).json()
    assert "x-sio-key" not in received["headers"]


def test_while_a_replica_is_away_its_sessions_are_asked_for_in_one_other(
    start_gateway: Callable[..., Gateway], start_upstream: Callable[..., Upstream]
) -> None:
    one, two = start_upstream("one"), start_upstream("two")
    gateway = start_gateway(CALLBOARD_SOCIAL_PEERS=f"{one.peer} 127.0.0.1:{free_port()} {two.peer}")
    keys = [secrets.token_hex(16) for _ in range(SESSIONS)]
    with gateway.client() as client:
        for key in keys:
            assert len({polled(client, key, method) for method in ["GET", "POST"] * POLLS}) == 1


def test_a_replica_that_is_not_ready_hands_over_and_its_own_answers_stay(
    start_gateway: Callable[..., Gateway], start_upstream: Callable[..., Upstream]
) -> None:
    one, two = start_upstream("one"), start_upstream("two")
    gateway = start_gateway(CALLBOARD_SOCIAL_PEERS=f"{one.peer} {two.peer}")
    with gateway.client() as client:
        keys = [key for home, key in (opened(client) for _ in range(SESSIONS)) if home == "one"]
        one.status = 503
        assert {opened(client)[0] for _ in range(SESSIONS)} == {"two"}
        assert {polled(client, key, "POST") for key in keys} == {"two"}
        one.status = 400
        answer = client.post("/socket.io/", params={"sid": keys[0]})
        assert (answer.status_code, answer.json()["upstream"]) == (400, "one")


def homes_of(watched: Watched, keys: list[str]) -> dict[str, str]:
    with httpx.Client(base_url=watched.url, trust_env=False) as client:
        return {key: polled(client, key) for key in keys}


async def reloaded(watched: Watched, social: list[str]) -> None:
    before, workers = len(watched.told("gateway_reloaded")), watched.workers
    watched.name(social=social)
    await eventually(lambda: len(watched.told("gateway_reloaded")) == before + 1)
    await eventually(lambda: bool(watched.workers) and not watched.workers & workers)


async def test_a_reload_leaves_sessions_where_they_are_and_a_new_replica_takes_only_its_share(
    watch: Watch, start_upstream: Callable[..., Upstream]
) -> None:
    one = start_upstream("one", ONE)
    for name, host in (("two", TWO), ("three", THREE)):
        start_upstream(name, host, one.port)
    watched = await watch({"social": [ONE, TWO]}, CALLBOARD_SOCIAL_PEERS=f"social:{one.port}")
    keys = [secrets.token_hex(16) for _ in range(SESSIONS)]
    two_replicas = homes_of(watched, keys)
    await reloaded(watched, [ONE, TWO, THREE])
    three_replicas = homes_of(watched, keys)
    moved = {key for key in keys if three_replicas[key] != two_replicas[key]}
    assert {three_replicas[key] for key in moved} == {"three"}
    await reloaded(watched, [TWO, ONE])
    assert homes_of(watched, keys) == two_replicas


class HeldAnswer:
    """A server for one request that sends half of its answer, and the rest when it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self._listener = socket.create_server((ONE, 0))

    @property
    def peer(self) -> str:
        return f"{ONE}:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        with self._listener, self._listener.accept()[0] as line:
            line.recv(65_536)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nnow")
            self.released.wait(PATIENCE_SECONDS)
            line.sendall(b"bye")


def test_what_a_held_poll_has_to_say_is_passed_on_as_it_comes(start_gateway: Callable[..., Gateway]) -> None:
    replica = HeldAnswer()
    gateway = start_gateway(CALLBOARD_SOCIAL_PEERS=replica.peer)
    with ThreadPoolExecutor() as background, gateway.client(timeout=PATIENCE_SECONDS) as client:
        served = background.submit(replica.serve)
        with client.stream("GET", "/socket.io/", params={"EIO": "4"}) as answer:
            parts = answer.iter_raw()
            assert next(parts) == b"now"
            replica.released.set()
            assert b"".join(parts) == b"bye"
        served.result(PATIENCE_SECONDS)
