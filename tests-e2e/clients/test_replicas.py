"""Two processes of social behind one gateway, and clients that know nothing of it."""

import json
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from callboard_testkit.node_socketio import NodeClient
from callboard_testkit.socketio_client import Json
from callboard_testkit.suite import Account, Addresses, RunningSuite
from callboard_testkit.waiting import eventually

SESSIONS = 50
FEW = 4
OPTIONS: Json = {"transports": ["websocket"], "forceNew": True}
Post = Callable[[str, Json], Awaitable[Json]]


def polls(suite: RunningSuite) -> list[dict[str, Any]]:
    """The lines of the gateway's log about Socket.IO by HTTP."""
    text = (suite.log_directory / "gateway.log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    return [line for line in lines if line["path"] == "/socket.io/" and line["status"] != 101]


async def test_fifty_sessions_that_only_poll_all_work_over_two_replicas(
    connect_node: Callable[..., Awaitable[NodeClient]], account: Account, post: Post, suite: RunningSuite
) -> None:
    before = len(polls(suite))
    options = {"transports": ["polling"], "forceNew": True, "reconnection": False}
    clients = [await connect_node(auth={"token": account.token}, **options) for _ in range(SESSIONS)]
    for client in clients:
        await client.event("auth-success")
    for number in range(3):
        body = {"taskId": f"task-{number}", "organizationId": account.organization["id"], "status": "RUNNING"}
        await post("/executions/update", body)
        for client in clients:
            assert (await client.event("execution-updated"))["taskId"] == f"task-{number}"
    for client in clients:
        await client.disconnect()
        assert (await client.disconnected())["reason"] == "io client disconnect"
    lines = polls(suite)[before:]
    used = Counter(line["upstream"] for line in lines)
    assert len(used) == 2, used
    assert {line["status"] for line in lines} == {200}


async def test_a_client_hears_what_another_replica_was_told(
    connect_node: Callable[..., Awaitable[NodeClient]],
    account: Account,
    agent: Callable[[str], Awaitable[Json]],
    addresses: Addresses,
    http: httpx.AsyncClient,
) -> None:
    async def both_hold_some() -> bool:
        metrics = [(await http.get(f"{internal}/metrics")).text for internal in addresses.socials_internal]
        return all(connections(text) > 0 for text in metrics)

    # Chance decides which replica one comes to: with a fixed number all might come to one.
    clients: list[NodeClient] = []
    while len(clients) < FEW or not await both_hold_some():
        session = await agent(f"agent-{len(clients)}")
        clients.append(await connect_node("/agents", auth={"jwt": session["token"]}, **OPTIONS))
        await clients[-1].event("agent:hello-ack")
    for client in clients:
        answer = await client.ask("message:send", {"roomId": "general", "content": "to all"})
        assert answer["ok"], answer
    for client in clients:
        for _ in clients:
            await client.event("message:new")
    orders = {tuple(told["id"] for told in client.heard("message:new")) for client in clients}
    assert len(orders) == 1


async def test_when_a_replica_dies_its_clients_come_back_by_themselves(
    connect_node: Callable[..., Awaitable[NodeClient]], account: Account, post: Post, suite: RunningSuite
) -> None:
    kinds: list[Json] = [{}, {"transports": ["websocket"]}, {"transports": ["polling"]}] * 4
    clients = [await connect_node(auth={"token": account.token}, forceNew=True, **options) for options in kinds]
    for client in clients:
        await client.event("auth-success")
    os.kill(suite.pids["social-2"], signal.SIGKILL)

    def all_are_back() -> bool:
        lost = [client for client in clients if told(client, "disconnect")]
        return bool(lost) and all(len(client.heard("auth-success")) > told(client, "disconnect") for client in clients)

    await eventually(all_are_back)
    await post("/executions/update", {"taskId": "t", "organizationId": account.organization["id"], "status": "RUNNING"})
    for client in clients:
        assert (await client.event("execution-updated"))["taskId"] == "t"


def told(client: NodeClient, what: str) -> int:
    return len([line for line in client.inbox.lines if line["what"] == what])


def connections(metrics: str) -> float:
    lines = [line for line in metrics.splitlines() if line.startswith("callboard_social_connections")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
