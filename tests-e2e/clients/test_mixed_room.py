"""One room, and in it a native client, npm's and Python's: they hear the same, in the same order."""

import asyncio
from collections.abc import Awaitable, Callable

from callboard_testkit.native_client import NativeClient
from callboard_testkit.node_socketio import NodeClient
from callboard_testkit.python_socketio import PythonClient
from callboard_testkit.socketio_client import Json, SocketIoClient
from callboard_testkit.suite import Account, Addresses

ROOM = "general"
EACH = 20


async def say_native(client: NativeClient) -> None:
    for number in range(EACH):
        await client.send(type="chat", content=f"native {number}")


async def say(client: SocketIoClient, name: str) -> None:
    for number in range(EACH):
        answer = await client.ask("message:send", {"roomId": ROOM, "content": f"{name} {number}"})
        assert answer["ok"], answer


async def hear_native(client: NativeClient, count: int) -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = []
    while len(heard) < count:
        frame = await client.receive()
        if frame["type"] in {"chat", "echo"} and "data" in frame:
            heard.append((frame["data"]["id"], frame["data"]["content"]))
    return heard


async def hear(client: SocketIoClient, count: int) -> list[tuple[str, str]]:
    for _ in range(count):
        await client.event("message:new")
    return [(told["id"], told["content"]) for told in client.heard("message:new")]


async def test_native_node_and_python_clients_hear_the_same_in_the_same_order(
    account: Account,
    addresses: Addresses,
    agent: Callable[[str], Awaitable[Json]],
    connect_node: Callable[..., Awaitable[NodeClient]],
    open_python: Callable[..., Awaitable[PythonClient]],
) -> None:
    auths = [{"jwt": (await agent(name))["token"]} for name in ("default", "websocket", "python")]
    default = await connect_node("/agents", auth=auths[0])
    websocket = await connect_node("/agents", auth=auths[1], transports=["websocket"])
    python = await open_python(addresses.gateway, "/agents", auth=auths[2])
    clients: list[SocketIoClient] = [default, websocket, python]
    for client in clients:
        await client.event("agent:hello-ack")
    async with account.socket() as one, account.socket() as two:
        async with asyncio.TaskGroup() as saying:
            saying.create_task(say_native(one))
            for number, client in enumerate(clients):
                saying.create_task(say(client, str(number)))
        total = EACH * (1 + len(clients))
        heard = [await hear_native(native, total) for native in (one, two)]
    heard += [await hear(client, total) for client in clients]
    assert len(set(heard[0])) == total
    assert all(other == heard[0] for other in heard[1:])
    for speaker in ("native", "0", "1", "2"):
        said = [content for _, content in heard[0] if content.startswith(f"{speaker} ")]
        assert said == [f"{speaker} {number}" for number in range(EACH)]
