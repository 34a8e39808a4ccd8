"""A person runs a command under `callboard run` and sees it live; another organisation sees nothing."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from callboard_testkit.suite import PASSWORD, Account, Addresses

CALLBOARD = Path(sys.executable).parent / "callboard"
PATIENCE_SECONDS = 30

PROGRAM = """
import os, sys
print("out", flush=True)
print("err", file=sys.stderr, flush=True)
print("the secret is", os.environ["DEPLOY_KEY"], flush=True)
print("token" if "CALLBOARD_TOKEN" in os.environ else "no token", flush=True)
sys.exit(int(os.environ.get("EXIT", "0")))
"""


def environment(addresses: Addresses, token: str, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "CALLBOARD_URL": addresses.gateway,
        "CALLBOARD_TOKEN": token,
        "PYTHONUNBUFFERED": "1",
        **more,
    }


async def run(env: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(CALLBOARD, *arguments, env=env, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def watching(env: dict[str, str], *arguments: str) -> AsyncIterator[Process]:
    """`callboard watch --json`, once it is connected."""
    process = await asyncio.create_subprocess_exec(
        CALLBOARD, "watch", "--json", *arguments, env=env, stdout=PIPE, stderr=PIPE
    )
    try:
        assert (await next_frame(process))["type"] == "connected"
        yield process
    finally:
        process.terminate()
        await process.communicate()


async def next_frame(process: Process) -> dict[str, object]:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        line = await process.stdout.readline()
    frame: dict[str, object] = json.loads(line)
    return frame


async def test_a_run_is_seen_live_and_by_its_own_organisation_only(
    account: Account, stranger: Account, addresses: Addresses
) -> None:
    env = environment(addresses, (await account.api_token())["token"], DEPLOY_KEY="hunter2-hunter2")
    async with watching(env) as watch, account.socket() as ours, stranger.socket() as theirs:
        await ours.ask(type="subscribe", channel="logs")
        await theirs.ask(type="subscribe", channel="logs")
        code, out, _ = await run(
            env, "run", "--task-id", "task-1", "--secret-env", "DEPLOY_KEY", "--", sys.executable, "-c", PROGRAM
        )
        assert code == 0
        assert out.splitlines() == ["out", "err", "the secret is ***", "no token"]
        statuses: list[str] = []
        while not statuses or statuses[-1] != "PASSED":
            frame = await next_frame(watch)
            if frame["type"] == "execution-updated":
                statuses.append(frame["data"]["status"])  # type: ignore[index]
        assert statuses == ["PENDING", "RUNNING", "PASSED"]
        lines: list[str] = []
        while len(lines) < 4:
            event = await ours.receive()
            if event["type"] == "execution-log":
                assert event["data"]["firstLine"] == len(lines) + 1
                lines += event["data"]["lines"]
        assert lines == ["out", "err", "the secret is ***", "no token"]
        assert await theirs.hears_nothing()
    stored = await account.get(f"{account.door.producer}/executions/task-1/logs")
    assert stored.json()["lines"] == lines
    row = (await account.get(f"{account.door.producer}/executions/task-1")).json()
    assert (row["status"], row["exitCode"]) == ("PASSED", 0)
    assert "hunter2" not in json.dumps(row)


async def test_a_failing_command_is_a_failed_execution_with_its_exit_code(
    account: Account, addresses: Addresses
) -> None:
    env = environment(addresses, (await account.api_token())["token"], DEPLOY_KEY="x", EXIT="3")
    code, _, _ = await run(env, "run", "--task-id", "task-1", "--", sys.executable, "-c", PROGRAM)
    assert code == 3
    row = (await account.get(f"{account.door.producer}/executions/task-1")).json()
    assert (row["status"], row["exitCode"]) == ("FAILED", 3)


async def test_a_command_that_is_not_there_is_an_error(account: Account, addresses: Addresses) -> None:
    env = environment(addresses, (await account.api_token())["token"])
    code, _, err = await run(env, "run", "--task-id", "task-1", "--", "no-such-command")
    assert code == 127
    assert "Traceback" not in err
    row = (await account.get(f"{account.door.producer}/executions/task-1")).json()
    assert row["status"] == "ERROR"


async def test_a_token_is_made_on_the_command_line(account: Account, addresses: Addresses) -> None:
    env = environment(addresses, "", CALLBOARD_PASSWORD=PASSWORD)
    code, out, err = await run(env, "token", "create", "laptop", "--login", account.login)
    assert code == 0, err
    token = out.strip()
    assert token.startswith("ah_live_")
    code, _, err = await run(environment(addresses, token), "run", "--task-id", "task-1", "--", "true")
    assert code == 0, err
