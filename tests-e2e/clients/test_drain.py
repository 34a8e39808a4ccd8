"""A replica of social that is told to stop, while its clients and newcomers come through the gateway."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from callboard_testkit.native_client import NativeClient, native_client
from callboard_testkit.socketio_client import Json, SocketIoClient
from callboard_testkit.suite import Account, RunningSuite
from callboard_testkit.waiting import eventually

KINDS: list[Json] = [{}, {"transports": ["websocket"]}, {"transports": ["polling"]}]
OF_EACH_KIND = 4
MAX_NEWCOMERS = 40
"""A session may ask for 120 tickets a minute."""
RESTART_SECONDS = 30.0


@asynccontextmanager
async def natives(account: Account) -> AsyncIterator[list[NativeClient]]:
    """On both replicas: the tickets come first, or every other call would be a ticket, and all sockets on one."""
    tickets = [await account.ticket() for _ in range(2 * OF_EACH_KIND)]
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(native_client(account.door.socket, ticket)) for ticket in tickets]


async def readiness(http: httpx.AsyncClient, internal: str) -> list[str] | None:
    """What fails; None while it does not answer."""
    try:
        answer = await http.get(internal + "/readyz")
    except httpx.TransportError:
        return None
    failing: list[str] = answer.json().get("failing", [])
    return failing


def count(client: SocketIoClient, what: str) -> int:
    return len([line for line in client.inbox.lines if line["what"] == what])


@pytest.mark.clause("DRAIN-6")
async def test_clients_of_a_replica_that_stops_move_to_another_and_nobody_is_refused(
    connect_node: Callable[..., Awaitable[SocketIoClient]], account: Account, suite: RunningSuite
) -> None:
    options: Json = {"forceNew": True, "auth": {"token": account.token}}
    clients = [await connect_node(**options, **kind) for kind in KINDS * OF_EACH_KIND]
    for client in clients:
        await client.event("auth-success")
    internal = suite.addresses.socials_internal[0]

    async def is_draining() -> bool:
        return await readiness(account.http, internal) == ["draining"]

    async def is_back() -> bool:
        return await readiness(account.http, internal) == []

    async with natives(account) as sockets:
        os.kill(suite.pids["social"], signal.SIGTERM)
        await eventually(is_draining)
        newcomers = 0
        while newcomers < MAX_NEWCOMERS and await is_draining():
            async with account.socket() as newcomer:
                assert await newcomer.hears_nothing()
            newcomers += 1
        await eventually(is_back, RESTART_SECONDS)
        gone = [socket for socket in sockets if socket.socket.close_code is not None]
        assert 0 < len(gone) < len(sockets)
        for socket in gone:
            assert 100 <= (await socket.receive_until("draining"))["retryAfterMs"] <= 1000
            assert await socket.closed() == (1001, "server shutting down")
    await eventually(lambda: all(count(client, "connect") > count(client, "disconnect") for client in clients))
    assert any(count(client, "disconnect") for client in clients)
    assert sum(count(client, "connect_error") for client in clients) == 0
    (await account.update("drained", "RUNNING")).raise_for_status()
    for client in clients:
        assert (await client.event("execution-updated"))["taskId"] == "drained"
