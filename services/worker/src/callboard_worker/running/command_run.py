"""One command, run and reported: the work behind ``callboard run`` and the reference worker."""

import asyncio
import re
import secrets
import shlex
import socket
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePath
from signal import SIGKILL

from callboard_contracts.executions import Status

from callboard_worker.console.console import Console
from callboard_worker.console.interruption import Interrupted, Interruption
from callboard_worker.running.child import CannotStart, Child, child_of
from callboard_worker.running.masking import Masker
from callboard_worker.running.output import OutputLines
from callboard_worker.sdk.client import CallboardClient
from callboard_worker.sdk.errors import CallboardError

EXIT_CANNOT_REPORT = 125
"""We failed, not the command: what `timeout` and `docker run` use too."""
GRACE_SECONDS = 10.0
"""After a signal and the child's end, how long the rest of the report may take."""
MAX_COMMAND_LENGTH = 4_096
MAX_NAME_LENGTH = 100
MAX_SLUG_LENGTH = 40
_NOT_IN_A_SLUG = re.compile("[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and how to speak of it. Make it with `of`: no secret is in what is spoken of."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    masker: Masker
    name: str
    task_id: str
    shown: str

    @classmethod
    def of(
        cls,
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        masker: Masker,
        name: str | None = None,
        task_id: str | None = None,
    ) -> "Command":
        """``environment`` is the child's own. Without a task id: the name's slug and eight random characters."""
        # Argument by argument: quoting may cut a secret in two.
        masked = [masker.mask(argument) for argument in argv]
        spoken = masker.mask(name) if name else shlex.join([PurePath(masked[0]).name or masked[0], *masked[1:]])
        spoken = _shortened(spoken, MAX_NAME_LENGTH)
        slug = _NOT_IN_A_SLUG.sub("-", spoken.lower())[:MAX_SLUG_LENGTH].strip("-") or "run"
        return cls(
            argv,
            environment,
            masker,
            spoken,
            task_id or f"{slug}-{secrets.token_hex(4)}",
            _shortened(shlex.join(masked), MAX_COMMAND_LENGTH),
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended, and the exit code of whoever ran it."""

    status: Status
    exit_code: int


class CommandRun:
    """PENDING, RUNNING, the output as a log, and the end by the exit code.

    Until RUNNING is acknowledged nothing is started. From then on the command matters more than its report: what the
    gateway refuses for good is said once, and the command runs on. While the gateway is away, output waits in a
    bounded buffer, then in the pipe, then the command waits. After a signal only GRACE_SECONDS are left for that.
    """

    def __init__(
        self,
        client: CallboardClient,
        command: Command,
        interruption: Interruption,
        console: Console,
        *,
        echo: bool = True,
        kill_after_seconds: float | None = None,
    ) -> None:
        self._command = command
        self._interruption = interruption
        self._console = console
        self._echo = echo
        self._kill_after = kill_after_seconds
        self._is_reported = True
        self._run = client.execution(
            command.task_id,
            name=command.name,
            command=command.shown,
            host=command.masker.mask(socket.gethostname()),
        )

    async def to_its_end(self) -> Ending:
        """Run it. Raises CallboardError when not even its beginning could be reported."""
        try:
            try:
                await self._interruption.unless(self._begin())
            except Interrupted:
                return await self._ended_by_signal()
            async with child_of(self._command.argv, self._command.environment) as child:
                return await self._attend(child)
        except CannotStart as problem:
            self._console.say(f"cannot run {self._command.name}: {problem}")
            await self._finish(Ending(Status.ERROR, problem.exit_code), reason=str(problem))
            return Ending(Status.ERROR, problem.exit_code)
        finally:
            await self._run.abandon()

    async def _begin(self) -> None:
        await self._run.announce()
        await self._run.start()

    async def _attend(self, child: Child) -> Ending:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as watch:

                def until(seconds: float) -> None:
                    limit.reschedule(loop.time() + seconds)

                watcher = watch.create_task(self._after_a_signal(child, until))
                with self._interruption.passed_to(child.signal):
                    await self._stream(child)
                    ending = self._ending(await child.exit_code())
                    await self._finish(ending)
                watcher.cancel()
        except TimeoutError:
            self._console.say("stopped before the gateway had acknowledged everything")
            return self._ending(await child.exit_code())
        return ending

    async def _stream(self, child: Child) -> None:
        output = OutputLines(self._command.masker)
        async with aclosing(child.output()) as chunks:
            async for chunk in chunks:
                await self._take([*output.feed(chunk)])
        await self._take([*output.close()])

    async def _take(self, lines: list[str]) -> None:
        if self._echo:
            await self._console.echo(lines)
        try:
            if self._is_reported and lines:
                await self._run.log("\n".join(lines) + "\n")
        except CallboardError as error:
            self._stop_reporting(error)

    async def _finish(self, ending: Ending, **fields: str) -> None:
        try:
            await self._run.finish(ending.status, exitCode=ending.exit_code, **fields)
        except CallboardError as error:
            self._stop_reporting(error)

    def _stop_reporting(self, error: CallboardError) -> None:
        if self._is_reported:
            self._is_reported = False
            self._console.say(f"the report is incomplete: {error}")

    async def _after_a_signal(self, child: Child, until: Callable[[float], None]) -> None:
        await self._interruption.happened()
        try:
            async with asyncio.timeout(self._kill_after):
                await child.exit_code()
        except TimeoutError:
            child.signal(SIGKILL)
            await child.exit_code()
        until(GRACE_SECONDS)
        await self._interruption.insisted()
        until(0.0)

    async def _ended_by_signal(self) -> Ending:
        ending = self._ending(0)
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._interruption.unless_insisted(self._finish(ending))
        except (TimeoutError, Interrupted):
            self._console.say("stopped before the gateway had acknowledged everything")
        return ending

    def _ending(self, exit_code: int) -> Ending:
        if self._interruption.first is not None:
            return Ending(Status.CANCELLED, self._interruption.exit_code)
        return Ending(Status.PASSED if exit_code == 0 else Status.FAILED, exit_code)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
