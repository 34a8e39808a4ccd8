import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from callboard_testkit.waiting import eventually

from .conftest import Suite
from .fake_gateway import API_TOKEN, AT, PASSWORD


@dataclass(frozen=True)
class Ended:
    code: int | None
    out: str
    err: str


def environment(suite: Suite, **changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CALLBOARD_")}
    return kept | {"CALLBOARD_URL": suite.url, "CALLBOARD_TOKEN": API_TOKEN} | changes


@asynccontextmanager
async def callboard(suite: Suite, *arguments: str, **variables: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callboard_worker", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(suite, **variables),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(process: Process) -> Ended:
    out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


async def run_to_its_end(suite: Suite, *arguments: str, **variables: str) -> Ended:
    async with callboard(suite, *arguments, **variables) as process:
        return await ended(process)


async def signalled_when(process: Process, condition: Callable[[], bool], number: signal.Signals) -> Ended:
    await eventually(lambda: condition() or process.returncode is not None)
    process.send_signal(number)
    return await ended(process)


async def test_run_reports_a_command_and_exits_as_it_does(suite: Suite) -> None:
    result = await run_to_its_end(suite, "run", "--name", "My Job", "--", "sh", "-c", "echo hi; exit 3")
    assert (result.code, result.out) == (3, "hi\n")
    task_id = suite.gateway.updates[0]["taskId"]
    assert result.err == f"callboard: task {task_id}\n"
    assert task_id.startswith("my-job-")
    assert suite.gateway.statuses() == ["PENDING", "RUNNING", "FAILED"]
    assert suite.gateway.updates[1]["command"] == "sh -c 'echo hi; exit 3'"


async def test_run_keeps_the_token_and_secrets_to_itself(suite: Suite) -> None:
    script = f"env; echo it is hush, said {API_TOKEN}"
    arguments = ("run", "--secret-env", "WORD", "--name", "say hush", "--", "sh", "-c", script)
    result = await run_to_its_end(suite, *arguments, WORD="hush")
    assert result.code == 0
    assert "CALLBOARD_TOKEN" not in result.out
    assert "it is ***, said ***" in result.out
    everything = result.out + result.err + str(suite.gateway.updates) + str(suite.gateway.logs)
    assert "hush" not in everything
    assert API_TOKEN not in everything


async def test_run_takes_the_token_from_a_file(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(API_TOKEN + "\n")
    arguments = ("run", "--token-file", str(tmp_path / "token"), "--task-id", "t-1", "true")
    assert (await run_to_its_end(suite, *arguments, CALLBOARD_TOKEN="")).code == 0
    assert suite.gateway.statuses("t-1") == ["PENDING", "RUNNING", "PASSED"]


async def test_run_passes_a_signal_on_and_ends_cancelled(suite: Suite) -> None:
    async with callboard(suite, "run", "--task-id", "t-1", "--", "sh", "-c", "echo up; sleep 1000") as process:
        result = await signalled_when(process, lambda: ("t-1", 1) in suite.gateway.logs, signal.SIGTERM)
    assert result.code == 143
    assert suite.gateway.statuses() == ["PENDING", "RUNNING", "CANCELLED"]


async def test_run_goes_on_when_nobody_reads_its_output_any_more(suite: Suite) -> None:
    async with callboard(suite, "run", "--task-id", "t-1", "--", "sh", "-c", "seq 20000; sleep 0; seq 9") as process:
        assert process.stdout is not None
        await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined]
        assert process.stderr is not None
        err = await process.stderr.read()
        assert await process.wait() == 0
    assert len(suite.gateway.logs["t-1", 1]) == 20_009
    assert b"Traceback" not in err


async def test_run_does_not_run_what_it_may_not_report(suite: Suite, tmp_path: Path) -> None:
    arguments = ("run", "--", "touch", str(tmp_path / "started"))
    result = await run_to_its_end(suite, *arguments, CALLBOARD_TOKEN="ah_live_wrong")
    assert result.code == 125
    assert "ah_live_wrong" not in result.err
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--secret-env", "UNSET_VARIABLE", "true"), "UNSET_VARIABLE"),
        (("run", "--task-id", "a/b", "true"), "task-id"),
        (("run", "--url", "ftp://x", "true"), "address"),
        (("run",), "COMMAND"),
        (("watch", "--execution", "a b"), "execution"),
        (("worker", "--jobs", "/nowhere.toml"), "/nowhere.toml"),
        (("token", "create", "ci", "--login", "ann", "--expires-in", "soon"), "expires-in"),
        (("token", "rotate", "t1", "--login", "ann", "--overlap", "0s"), "0 is none"),
        (("token", "rotate", "t1", "--login", "ann", "--overlap", "8d"), "at most 7d"),
    ],
)
async def test_a_wrong_argument_is_a_clear_error(suite: Suite, arguments: tuple[str, ...], words: str) -> None:
    result = await run_to_its_end(suite, *arguments, CALLBOARD_PASSWORD=PASSWORD)
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err


async def test_without_a_token_it_says_how_to_get_one(suite: Suite) -> None:
    result = await run_to_its_end(suite, "watch", CALLBOARD_TOKEN="")
    assert result.code == 2
    assert "callboard token create" in result.err


async def test_watch_shows_updates_neutralised_and_ends_with_0_on_ctrl_c(suite: Suite) -> None:
    row = {
        "taskId": "t-1",
        "organizationId": "org-1",
        "status": "PASSED",
        "attempt": 1,
        "version": 3,
        "name": "x\x1b[2Jy",
    }
    times = {"startTime": AT, "endTime": AT.replace("05.000", "07.500"), "createdAt": AT, "updatedAt": AT}
    async with callboard(suite, "watch") as process:
        await eventually(lambda: len(suite.gateway.sockets) == 1)
        await suite.gateway.publish("org", "execution-updated", "e1:1", row | times)
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        result = await signalled_when(process, lambda: True, signal.SIGINT)
    assert line.split()[1:] == ["t-1", "PASSED", "x\\x1b[2Jy", "2.5s"]
    assert (result.code, result.out) == (0, "")


async def test_watch_prints_frames_as_json_and_a_stored_log(suite: Suite) -> None:
    await suite.gateway.publish_log("t-1", ["\x9b31m stored"])
    async with callboard(suite, "watch", "--json", "--execution", "t-1") as process:
        assert process.stdout is not None
        raw = [await process.stdout.readline() for _ in range(3)]
        await suite.gateway.publish_log("t-1", ["live"])
        raw.append(await process.stdout.readline())
        result = await signalled_when(process, lambda: True, signal.SIGINT)
    frames = [json.loads(line) for line in raw]
    assert [frame["type"] for frame in frames] == ["connected", "subscribed", "stored-log", "execution-log"]
    assert frames[2]["lines"] == ["\x9b31m stored"]
    assert all(line.isascii() for line in raw)
    assert result.code == 0


async def test_watch_says_that_it_reconnects_and_what_was_missed(suite: Suite) -> None:
    async with callboard(suite, "watch") as process:
        await eventually(lambda: len(suite.gateway.sockets) == 1)
        suite.gateway.positions["org"] = "e1:5"
        await suite.gateway.close_all(1008, "back-pressure threshold exceeded")
        await eventually(lambda: len(suite.gateway.sockets) == 1)
        assert process.stderr is not None
        said = [(await process.stderr.readline()).decode() for _ in range(4)]
        await signalled_when(process, lambda: True, signal.SIGINT)
    assert "connection lost: back-pressure threshold exceeded (1008)" in said[1]
    assert said[3] == "callboard: connected again; events may have been missed in org\n"


async def test_watch_ends_with_an_error_when_it_may_not_come_back(suite: Suite) -> None:
    suite.gateway.on_connect.append((4501, "session revoked"))
    result = await run_to_its_end(suite, "watch")
    assert result.code == 1
    assert "session revoked" in result.err
    assert "Traceback" not in result.err


async def test_token_create_prints_the_token_alone(suite: Suite) -> None:
    arguments = ("token", "create", "ci", "--login", "ann", "--expires-in", "30d")
    result = await run_to_its_end(suite, *arguments, CALLBOARD_PASSWORD=PASSWORD)
    assert (result.code, result.out, result.err) == (0, API_TOKEN + "\n", "")
    assert [call for call, _ in suite.gateway.calls] == ["login", "create", "logout"]
    assert "expiresAt" in suite.gateway.calls[1][1]
    assert suite.gateway.calls[2] == ("logout", "")


@pytest.mark.parametrize(
    ("options", "wish"),
    [
        ((), "{'overlapSeconds': 3600}"),
        (("--overlap", "24h"), "{'overlapSeconds': 86400}"),
        (("--overlap", "0"), "{'overlapSeconds': 0}"),
    ],
)
async def test_token_rotate_prints_the_new_token_alone(suite: Suite, options: tuple[str, ...], wish: str) -> None:
    arguments = ("token", "rotate", "t1", "--login", "ann", *options)
    result = await run_to_its_end(suite, *arguments, CALLBOARD_PASSWORD=PASSWORD)
    assert (result.code, result.out) == (0, API_TOKEN + "\n")
    assert result.err == "callboard: the old token works until 2026-01-02T03:04:05.000Z\n"
    assert suite.gateway.calls[1] == ("rotate", f"t1 {wish}")


async def test_token_rotate_asks_for_another_expiry_when_it_is_told(suite: Suite) -> None:
    arguments = ("token", "rotate", "t1", "--login", "ann", "--expires-in", "30d")
    result = await run_to_its_end(suite, *arguments, CALLBOARD_PASSWORD=PASSWORD)
    assert result.code == 0
    assert "expiresAt" in suite.gateway.calls[1][1]


async def test_a_token_that_was_rotated_already_is_one_line(suite: Suite) -> None:
    result = await run_to_its_end(suite, "token", "rotate", "t0", "--login", "ann", CALLBOARD_PASSWORD=PASSWORD)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Error: detail of api-token-already-rotated")
    assert "Traceback" not in result.err


async def test_token_list_and_revoke(suite: Suite) -> None:
    listed = await run_to_its_end(suite, "token", "list", "--login", "ann", CALLBOARD_PASSWORD=PASSWORD)
    assert "t1  ci\\x1b]0;x\\x07  made 2026-01-02T03:04:05.000Z  expires never" in listed.out
    assert "t0  ci\\x1b]0;x\\x07  made 2026-01-02T03:04:05.000Z  expires never  used never  rotated to t1" in listed.out
    revoked = await run_to_its_end(suite, "token", "revoke", "t1", "--login", "ann", CALLBOARD_PASSWORD=PASSWORD)
    assert (revoked.code, ("revoke", "t1") in suite.gateway.calls) == (0, True)


async def test_a_wrong_password_is_one_line_without_the_password(suite: Suite) -> None:
    result = await run_to_its_end(suite, "token", "list", "--login", "ann", CALLBOARD_PASSWORD="guess" * 100)
    assert result.code == 1
    assert result.err.startswith("Error: ")
    assert "guess" not in result.err


async def test_the_worker_runs_its_jobs_in_turn_and_ends_with_the_current_one_cancelled(
    suite: Suite, tmp_path: Path
) -> None:
    jobs = tmp_path / "jobs.toml"
    jobs.write_text(
        """
[[job]]
name = "fails"
command = ["sh", "-c", "echo no; exit 1"]
every = "1h"
[[job]]
name = "is missing"
command = ["/nowhere/at-all"]
every = "1h"
[[job]]
name = "lasts"
command = ["sh", "-c", "echo up; sleep 1000"]
every = "1h"
"""
    )

    def lasting() -> bool:
        return any(lines == ["up"] for lines in suite.gateway.logs.values())

    async with callboard(suite, "worker", "--jobs", str(jobs)) as process:
        result = await signalled_when(process, lasting, signal.SIGTERM)
    assert result.code == 0
    ends = [update["status"] for update in suite.gateway.updates if update["status"] not in {"PENDING", "RUNNING"}]
    assert ends == ["FAILED", "ERROR", "CANCELLED"]
