"""The programs of docs/socketio.md, taken from the page as they stand there."""

import os
import re
import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from callboard_testkit.node_socketio import NODE
from callboard_testkit.socketio_client import PATIENCE_SECONDS, Json
from callboard_testkit.suite import Account, Addresses

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "socketio.md"
EXECUTIONS, AGENTS, WORKFLOWS = re.findall(
    r"^```(?:js|python) clients\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
)

Post = Callable[[str, Json], Awaitable[Json]]


@asynccontextmanager
async def program(text: str, *command: str, url: str, token: str) -> AsyncIterator[Process]:
    environment = os.environ | {"CALLBOARD_URL": url, "TOKEN": token}
    process = await create_subprocess_exec(*command, text, cwd=HERE, env=environment, stdout=PIPE)
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def says(process: Process, *lines: str) -> None:
    """Wait for these lines, in this order; others may come between."""
    assert process.stdout is not None
    async with timeout(PATIENCE_SECONDS):
        for line in lines:
            while (said := (await process.stdout.readline()).decode().rstrip("\n")) != line:
                assert said or not process.stdout.at_eof(), f"it ended before it said {line!r}"


async def test_the_program_that_follows_executions(account: Account, addresses: Addresses) -> None:
    module = (NODE, "--input-type=module", "--eval")
    async with program(EXECUTIONS, *module, url=addresses.gateway, token=account.token) as process:
        await says(process, f"connected to {account.organization['id']}")
        await account.update("task-1", "RUNNING")
        lines = {"firstLine": 1, "lines": ["line 1", "line 2"]}
        (await account.post(f"{account.door.producer}/executions/task-1/logs", json=lines)).raise_for_status()
        await says(process, "task-1 RUNNING", "task-1 line 1", "line 2")
    async with program(EXECUTIONS, *module, url=addresses.gateway, token="forged") as process:
        await says(process, "refused: Invalid or expired token")


async def test_the_program_of_an_agent(account: Account, addresses: Addresses) -> None:
    module = (NODE, "--input-type=module", "--eval")
    async with program(AGENTS, *module, url=addresses.gateway, token=account.token) as process:
        await says(process, f"{account.user['id']} is in general", "sent")
    async with program(AGENTS, *module, url=addresses.gateway, token="forged") as process:
        await says(process, "refused: Invalid or expired JWT")


async def test_the_program_that_follows_agents(account: Account, addresses: Addresses, post: Post) -> None:
    async with program(WORKFLOWS, sys.executable, "-c", url=addresses.gateway, token=account.token) as process:
        await says(process, "connected")
        await post("/producer/workflows/flow-1/events", {"type": "result", "data": {"found": 3}})
        await says(process, "flow-1 result {'found': 3}")
