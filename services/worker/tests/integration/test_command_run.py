import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from callboard_contracts.executions import Status
from callboard_testkit.waiting import eventually
from callboard_worker.console.console import Console
from callboard_worker.console.interruption import Interruption
from callboard_worker.running import child, command_run
from callboard_worker.running.command_run import Command, CommandRun, Ending
from callboard_worker.running.masking import Masker

from .conftest import Suite
from .fake_gateway import problem


class Stage:
    """One command, run in this process against the fake gateway."""

    def __init__(
        self, suite: Suite, *argv: str, secrets: tuple[str, ...] = (), kill_after: float | None = None
    ) -> None:
        self.out = io.BytesIO()
        self.interruption = Interruption()
        self.command = Command.of(argv, dict(os.environ), Masker(secrets), "job", "t-1")
        self._suite = suite
        self._kill_after = kill_after

    async def run(self) -> Ending:
        async with self._suite.client(patience=None) as client:
            run = CommandRun(
                client, self.command, self.interruption, Console(self.out), kill_after_seconds=self._kill_after
            )
            return await run.to_its_end()

    async def interrupted_once(self, condition: Callable[[], bool], number: signal.Signals) -> Ending:
        task = asyncio.create_task(self.run())
        await eventually(lambda: condition() or task.done())
        self.interruption.deliver(number)
        return await task


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", script)


async def test_a_command_that_succeeds_is_pending_running_passed(suite: Suite) -> None:
    stage = Stage(suite, *python("import sys; print('out'); print('err', file=sys.stderr); print('last', end='')"))
    assert await stage.run() == Ending(Status.PASSED, 0)
    assert suite.gateway.statuses() == ["PENDING", "RUNNING", "PASSED"]
    assert suite.gateway.logs["t-1", 1] == ["out", "err", "last"]
    assert stage.out.getvalue() == b"out\nerr\nlast\n"
    assert suite.gateway.updates[0]["name"] == "job"
    assert suite.gateway.updates[0]["host"]
    assert suite.gateway.updates[2]["exitCode"] == 0


async def test_a_command_that_fails_gives_its_exit_code(suite: Suite) -> None:
    stage = Stage(suite, *python("import sys; sys.exit(7)"))
    assert await stage.run() == Ending(Status.FAILED, 7)
    assert suite.gateway.updates[2]["exitCode"] == 7


async def test_a_command_that_a_signal_ends_fails_as_a_shell_says_it(suite: Suite) -> None:
    stage = Stage(suite, *python("import os; os.kill(os.getpid(), 9)"))
    assert await stage.run() == Ending(Status.FAILED, 137)


async def test_a_command_that_is_not_found_is_an_error(suite: Suite) -> None:
    assert await Stage(suite, "/nowhere/at-all").run() == Ending(Status.ERROR, 127)
    assert suite.gateway.statuses() == ["PENDING", "RUNNING", "ERROR"]


async def test_a_file_that_is_no_program_is_an_error(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    assert await Stage(suite, str(tmp_path / "text")).run() == Ending(Status.ERROR, 126)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_is_passed_on_and_cancels_the_run(suite: Suite, number: signal.Signals, code: int) -> None:
    script = """
import signal, sys
def handle(number, frame):
    print("got", number); sys.exit(0)
signal.signal(signal.SIGINT, handle); signal.signal(signal.SIGTERM, handle)
print("ready"); signal.pause()
"""
    stage = Stage(suite, *python(script))
    ending = await stage.interrupted_once(lambda: b"ready" in stage.out.getvalue(), number)
    assert ending == Ending(Status.CANCELLED, code)
    assert suite.gateway.statuses() == ["PENDING", "RUNNING", "CANCELLED"]
    assert suite.gateway.logs["t-1", 1] == ["ready", f"got {int(number)}"]


async def test_a_signal_reaches_what_the_command_has_started(suite: Suite) -> None:
    stage = Stage(suite, "sh", "-c", "echo ready; sleep 1000; true")
    ending = await stage.interrupted_once(lambda: b"ready" in stage.out.getvalue(), signal.SIGTERM)
    assert ending == Ending(Status.CANCELLED, 143)


async def test_a_stubborn_command_is_killed_where_that_was_asked_for(suite: Suite) -> None:
    ignoring = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); signal.pause()"
    stage = Stage(suite, *python(ignoring), kill_after=0.05)
    ending = await stage.interrupted_once(lambda: b"ready" in stage.out.getvalue(), signal.SIGTERM)
    assert ending == Ending(Status.CANCELLED, 143)


async def test_a_signal_before_the_beginning_is_acknowledged_starts_nothing(suite: Suite, tmp_path: Path) -> None:
    suite.gateway.faults.extend(problem(503, "unavailable") for _ in range(20))
    stage = Stage(suite, "touch", str(tmp_path / "started"))
    ending = await stage.interrupted_once(lambda: len(suite.gateway.faults) < 18, signal.SIGINT)
    assert ending == Ending(Status.CANCELLED, 130)
    assert not (tmp_path / "started").exists()
    assert suite.gateway.statuses() == ["CANCELLED"]


async def test_a_gateway_that_is_away_for_good_does_not_hold_an_interrupted_command(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_run, "GRACE_SECONDS", 0.1)
    stage = Stage(suite, *python("import time; print('ready'); time.sleep(1000)"))

    def away() -> bool:
        is_ready = b"ready" in stage.out.getvalue()
        if is_ready:
            suite.gateway.faults.extend(problem(503, "unavailable") for _ in range(1000))
        return is_ready

    assert await stage.interrupted_once(away, signal.SIGINT) == Ending(Status.CANCELLED, 130)
    assert "before the gateway had acknowledged everything" in capsys.readouterr().err


async def test_output_is_complete_when_the_gateway_was_away_meanwhile(suite: Suite) -> None:
    stage = Stage(suite, *python("for n in range(30000): print('line', n)"))
    suite.gateway.faults.extend([problem(503, "unavailable"), problem(429, "too-many-requests")] * 10)
    assert await stage.run() == Ending(Status.PASSED, 0)
    assert suite.gateway.logs["t-1", 1] == [f"line {number}" for number in range(30_000)]


async def test_a_report_that_is_refused_does_not_stop_the_command(
    suite: Suite, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    script = f"import os, time\nprint('a')\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\nprint('b')"
    stage = Stage(suite, *python(script))
    task = asyncio.create_task(stage.run())
    await eventually(lambda: ("t-1", 1) in suite.gateway.logs)
    suite.gateway.logs["t-1", 1] = ["a", "somebody else's"]
    gate.touch()
    assert await task == Ending(Status.PASSED, 0)
    assert stage.out.getvalue() == b"a\nb\n"
    assert len(re.findall("the report is incomplete: .*line-conflict", capsys.readouterr().err)) == 1


async def test_a_grandchild_that_keeps_the_pipe_open_is_not_waited_for_for_ever(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "LINGER_SECONDS", 0.2)
    stage = Stage(suite, "sh", "-c", f"sleep 1000 & echo $! > {tmp_path}/pid; echo done")
    async with asyncio.timeout(20):
        assert await stage.run() == Ending(Status.PASSED, 0)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert suite.gateway.logs["t-1", 1] == ["done"]


async def test_invalid_utf_8_is_replaced_and_a_secret_is_masked_everywhere(suite: Suite) -> None:
    script = r"import sys; sys.stdout.buffer.write(b'\xff is hush\nhu'); sys.stdout.flush(); print('sh', sys.argv[1])"
    stage = Stage(suite, *python(script), "hush", secrets=("hush",))
    await stage.run()
    assert suite.gateway.logs["t-1", 1] == ["\ufffd is ***", "*** ***"]
    assert "hush" not in str(suite.gateway.updates)
    assert b"hush" not in stage.out.getvalue()
