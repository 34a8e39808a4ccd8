"""A social that is told to stop, as a process: who is sent on, who leaves when, and what it ends with."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from callboard_testkit.engine_client import WEBSOCKET, EnginePath, EngineSocket
from callboard_testkit.native_client import NativeClient, open_socket
from callboard_testkit.raw_peer import raw_peer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from callboard_testkit.social_process import SocialProcess, social_process
from callboard_testkit.social_under_test import SocialUnderTest
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

SHUTTING_DOWN = (1001, "server shutting down")
PATIENCE_SECONDS = 20.0


class Node(SocialUnderTest):
    """A social, and its end."""

    def __init__(self, process: SocialProcess, minter: TokenMinter) -> None:
        super().__init__(process.url, minter, no_publish)
        self.process = process

    def told_to_stop(self) -> None:
        os.kill(self.process.pid, signal.SIGTERM)

    async def is_draining(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(self.process.internal_url + "/readyz")
        is_draining: bool = answer.json() == {"status": "unready", "failing": ["draining"]}
        return is_draining

    async def ended(self) -> int:
        """Its exit code; whoever started it reaps it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await asyncio.to_thread(os.waitid, os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        assert result is not None
        return result.si_status


async def no_publish(*_event: object) -> str:
    raise NotImplementedError


StartNode = Callable[..., AbstractAsyncContextManager[Node]]


@pytest.fixture
def start_node(tmp_path: Path, jwks_url: str, minter: TokenMinter, migrated_url: str, redis_url: str) -> StartNode:
    """Starts a process whose drain window is of so many seconds; up to one of them it only gives notice."""

    @asynccontextmanager
    async def start(window: float, name: str = "social") -> AsyncIterator[Node]:
        async with Redis.from_url(redis_url) as redis:
            await declare_revocations_complete(redis)
        settings = {"CALLBOARD_DRAIN_WINDOW": f"{window * 1000:.0f}ms", "SOCIAL_DRAIN_NOTICE": "1s"}
        with social_process(
            tmp_path / f"{name}.log",
            redis_url=redis_url,
            jwks_url=jwks_url,
            database_url=migrated_url,
            settings=settings,
        ) as process:
            yield Node(process, minter)

    return start


@asynccontextmanager
async def connected(node: Node, count: int) -> AsyncIterator[list[NativeClient]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(node.client()) for _ in range(count)]


async def last_words(client: NativeClient) -> tuple[float, int]:
    """Until the socket is closed: when that was, and the delay that it was told last of all."""
    draining = await client.receive_until("draining")
    assert await client.closed() == SHUTTING_DOWN
    return asyncio.get_running_loop().time(), draining["retryAfterMs"]


async def refusal(url: str, ticket: str | None = None) -> tuple[int, bool]:
    """The status of an upgrade that is refused, and whether it says when to come back."""
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(url, ticket):
            pass
    response = refused.value.response
    return response.status_code, int(response.headers["Retry-After"]) > 0


@pytest.mark.clause("DRAIN-1")
async def test_newcomers_are_sent_on_before_anything_is_burnt(start_node: StartNode) -> None:
    async with start_node(12) as node, start_node(1, "other") as other, connected(node, 2) as clients:
        ticket = await node.ticket()
        node.told_to_stop()
        await eventually(node.is_draining)
        unavailable = (HTTPStatus.SERVICE_UNAVAILABLE, True)
        assert await refusal(node.socket_url, ticket) == unavailable
        assert await refusal(node.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket") == unavailable
        async with node.http() as http:
            for path in ("/api/socials/connect-token", "/socket.io/?EIO=4&transport=polling"):
                answer = await http.get(path)
                assert (answer.status_code, "Retry-After" in answer.headers) == unavailable
                assert answer.json()["code"] == "unavailable"
            assert (await http.get("/api/socials/rooms")).status_code == HTTPStatus.OK
        assert await clients[-1].hears_nothing()
        async with open_socket(other.socket_url, ticket) as moved:
            assert (await moved.receive())["type"] == "connected"


@pytest.mark.clause("DRAIN-2")
async def test_native_sockets_leave_evenly_over_the_window_each_told_when_to_come_back(start_node: StartNode) -> None:
    window, count = 3.0, 12
    async with start_node(window) as node, connected(node, count) as clients:
        began = asyncio.get_running_loop().time()
        node.told_to_stop()
        leaving = await asyncio.gather(*map(last_words, clients))
        assert await node.ended() == 0
        seconds = asyncio.get_running_loop().time() - began
    assert {100 <= delay_ms <= 1000 for _, delay_ms in leaving} == {True}
    times = sorted(at - began for at, _ in leaving)
    # Eleven twelfths of at least three quarters of the window; a machine that is busy may make it shorter.
    assert times[-1] - times[0] >= window / 3
    assert seconds < window + 5


async def test_a_peer_that_does_not_answer_is_cut_when_the_window_is_over(start_node: StartNode) -> None:
    async with start_node(2) as node, raw_peer(node.socket_url, node.minter.mint()) as peer:
        node.told_to_stop()
        assert await node.ended() == 0
        assert (await peer.receive()).json["type"] == "draining"
        assert (await peer.receive()).close_code == SHUTTING_DOWN[0]


@pytest.mark.clause("DRAIN-4")
async def test_who_was_drained_is_here_for_a_while_longer(start_node: StartNode) -> None:
    async with start_node(1) as node, start_node(1, "other") as other, other.http() as http:

        async def is_here() -> bool:
            users = (await http.get("/api/socials/presence")).json()["users"]
            return [user["userId"] for user in users] == ["user-1"]

        async with connected(node, 1) as clients:
            await eventually(is_here)
            node.told_to_stop()
            await last_words(clients[0])
        assert await node.ended() == 0
        assert await is_here()


@pytest.mark.clause("DRAIN-3")
async def test_socketio_sessions_are_closed_so_that_their_clients_come_back(start_node: StartNode) -> None:
    async with start_node(6) as node, httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as http:
        path = EnginePath(node.url + "/socket.io/", http)
        held, away = await path.open(), await path.open()
        await held.say("40" + f'{{"token":"{node.minter.mint()}"}}')
        while "auth-success" not in await held.poll():
            pass
        async with path.connect(WEBSOCKET) as line:
            socket = EngineSocket(line)
            await socket.receive()
            poll = asyncio.create_task(held.poll())  # the notice is what it has to arrive
            node.told_to_stop()
            assert await poll == "1"
            assert await socket.closed() == SHUTTING_DOWN[0]
            assert (await away.get()).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert await node.ended() == 0


@pytest.mark.clause("DRAIN-5")
async def test_a_node_with_nobody_on_it_ends_at_once_and_a_second_signal_hurries_one_with_many(
    start_node: StartNode,
) -> None:
    async with start_node(600) as node, connected(node, 5) as clients:
        node.told_to_stop()
        await last_words(clients[0])
        node.told_to_stop()
        await asyncio.gather(*map(last_words, clients[1:]))
        assert await node.ended() == 0
    async with start_node(600) as node:
        async with connected(node, 1):
            pass
        node.told_to_stop()
        assert await node.ended() == 0
