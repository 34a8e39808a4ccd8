"""What changes behind the gateway reaches it by reloads, and these lose nothing."""

import http.client
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from callboard_testkit.authority import Authority
from callboard_testkit.waiting import eventually, free_port
from websockets.sync.client import connect

from nginx.tests.conftest import Watch
from nginx.tests.upstream import PATIENCE_SECONDS, Upstream
from nginx.tests.watched import REPLICA, Watched

ONE, TWO = "127.0.0.1", "127.0.0.2"


async def test_a_replica_that_comes_is_used_and_one_that_goes_is_not(
    watch: Watch, start_upstream: Callable[..., Upstream]
) -> None:
    one = start_upstream("one", ONE)
    two = start_upstream("two", TWO, one.port)
    watched = await watch({"social": [ONE]}, CALLBOARD_SOCIAL_PEERS=f"social:{one.port}")
    assert {watched.replica() for _ in range(6)} == {"one"}
    watched.name(social=[TWO, ONE])
    await eventually(lambda: watched.replica() == "two")
    assert {watched.replica() for _ in range(6)} == {"one", "two"}
    watched.name(social=[TWO])
    await eventually(lambda: len(watched.told("gateway_reloaded")) == 2)
    await eventually(lambda: {watched.replica() for _ in range(6)} == {"two"})
    assert two.asked > 0


async def test_a_service_that_is_late_is_502_until_its_name_is_there(
    watch: Watch, start_upstream: Callable[..., Upstream]
) -> None:
    one = start_upstream("one", ONE)
    watched = await watch({}, CALLBOARD_SOCIAL_PEERS=f"social:{one.port}")
    assert watched.replica() == "502"
    watched.name(social=[ONE])
    await eventually(lambda: watched.replica() == "one")


async def test_a_name_server_that_is_away_takes_no_service_with_it(
    watch: Watch, start_upstream: Callable[..., Upstream]
) -> None:
    one = start_upstream("one", ONE)
    watched = await watch({"social": [ONE]}, CALLBOARD_SOCIAL_PEERS=f"social:{one.port}")
    before = len(watched.told("peer_not_resolved"))
    watched.name()
    await eventually(lambda: len(watched.told("peer_not_resolved")) == before + 1)
    assert watched.replica() == "one"
    assert watched.told("gateway_reloaded") == []


def ask_until(over: threading.Event, watched: Watched) -> list[int]:
    """One request after the other, each on a connection of its own; gives all statuses."""
    statuses = []
    while not over.is_set():
        statuses.append(watched.status(REPLICA))
    return statuses


def ask_as_browsers_do(over: threading.Event, watched: Watched) -> list[int]:
    """All on one connection that is kept, and once more on a new one when that ends before it has answered."""
    line, statuses = http.client.HTTPConnection("127.0.0.1", watched.port, PATIENCE_SECONDS), []
    while not over.is_set():
        try:
            line.request("GET", REPLICA)
            answer = line.getresponse()
            answer.read()
        except (http.client.RemoteDisconnected, ConnectionError):
            line.close()
            statuses.append(watched.status(REPLICA))
        else:
            statuses.append(answer.status)
    line.close()
    return statuses


@contextmanager
def asking(watched: Watched) -> Iterator[list[Future[list[int]]]]:
    """Two clients that ask all the time, until the block ends; gives what they will have heard."""
    over = threading.Event()
    with ThreadPoolExecutor() as background:
        try:
            yield [background.submit(ask, over, watched) for ask in (ask_until, ask_as_browsers_do)]
        finally:
            over.set()


async def reload(watched: Watched, **names: list[str]) -> None:
    """Change the names and wait until the workers of before take nothing new."""
    before = len(watched.told("gateway_reloaded")), watched.workers
    watched.name(**names)
    await eventually(lambda: len(watched.told("gateway_reloaded")) == before[0] + 1)
    await eventually(lambda: bool(watched.workers - before[1]))


async def test_reloads_lose_no_request_and_no_open_socket(
    watch: Watch, start_upstream: Callable[..., Upstream]
) -> None:
    one, slow = start_upstream("one", ONE), start_upstream("slow")
    start_upstream("two", TWO, one.port)
    peers = {"CALLBOARD_SOCIAL_PEERS": f"social:{one.port}", "CALLBOARD_AUTH_PEERS": f"auth:{slow.port}"}
    watched = await watch({"social": [ONE], "auth": [ONE]}, **peers)
    old_workers = watched.workers
    slow.released.clear()
    with (
        asking(watched) as answered,
        ThreadPoolExecutor() as background,
        connect(watched.socket_url, proxy=None) as opened,
    ):
        held = background.submit(watched.status, "/auth/api/users/me")
        await eventually(lambda: slow.asked == 1)
        opened.recv(timeout=10)
        for social in ([ONE, TWO], [TWO], [ONE]):
            await reload(watched, social=social, auth=[ONE])
            opened.send(f"after {social}")
            assert opened.recv(timeout=10) == f"after {social}"
        assert old_workers & watched.workers
        slow.released.set()
        assert held.result(PATIENCE_SECONDS) == 200
    statuses = [status for each in answered for status in each.result()]
    assert len(statuses) > 20
    assert set(statuses) == {200}
    await eventually(lambda: not old_workers & watched.workers)


async def test_an_idle_connection_of_before_a_reload_is_ended_between_two_answers(
    watch: Watch, start_upstream: Callable[..., Upstream]
) -> None:
    one = start_upstream("one")
    watched = await watch({"social": [ONE]}, CALLBOARD_SOCIAL_PEERS=f"social:{one.port}")
    with socket.create_connection(("127.0.0.1", watched.port), timeout=PATIENCE_SECONDS) as line:
        line.sendall(f"GET {REPLICA} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        head = line.recv(65_536)
        watched.process.send_signal(signal.SIGHUP)
        rest = b"".join(iter(lambda: line.recv(65_536), b""))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1" not in rest


async def test_sighup_reloads_though_nothing_has_changed(watch: Watch) -> None:
    watched = await watch({})
    old_workers = watched.workers
    watched.process.send_signal(signal.SIGHUP)
    await eventually(lambda: bool(watched.workers) and not watched.workers & old_workers)
    assert watched.status("/") == 200


async def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(watch: Watch, tmp_path: Path) -> None:
    first, second = Authority(), Authority()
    certificate, key = first.issue(tmp_path)
    port = str(free_port())
    watched = await watch(
        {},
        CALLBOARD_PUBLIC_URL="https://board.example",
        CALLBOARD_TLS_CERTIFICATE=str(certificate),
        CALLBOARD_TLS_KEY=str(key),
        CALLBOARD_TLS_PORT=port,
    )

    def is_trusted(authority: Authority) -> bool:
        try:
            url = f"https://127.0.0.1:{port}/"
            return httpx.get(url, verify=authority.client_context(), trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    await eventually(lambda: is_trusted(first))
    assert watched.healthy()
    (tmp_path / "renewed").mkdir()
    renewed_certificate, renewed_key = second.issue(tmp_path / "renewed")
    renewed_certificate.replace(certificate)
    await eventually(lambda: len(watched.told("configuration_refused")) == 1)
    assert is_trusted(first)
    renewed_key.replace(key)
    await eventually(lambda: is_trusted(second))
    assert len(watched.told("configuration_refused")) == 1
    assert "PRIVATE" not in watched.log
