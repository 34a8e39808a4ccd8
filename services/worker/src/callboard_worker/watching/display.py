"""Two ways to show what is watched: lines for people, frames for programs."""

import json
from datetime import datetime
from typing import Any

import click
from callboard_contracts.events import Event, EventType
from callboard_contracts.executions import Execution, Status
from callboard_contracts.native import Bus, Connected, Reset
from callboard_contracts.wire import WireModel

from callboard_worker.console.console import Console
from callboard_worker.console.durations import show_duration
from callboard_worker.console.terminal import neutralised
from callboard_worker.sdk.stream import ConnectionLost, Resumed, StreamItem
from callboard_worker.watching.log_follower import Lines

_COLOURS = {
    Status.RUNNING: "blue",
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.ERROR: "red",
    Status.LOST: "magenta",
    Status.CANCELLED: "yellow",
}
_STATUS_WIDTH = max(map(len, Status))


def speak_of_connection(console: Console, item: StreamItem) -> None:
    """Say on standard error what becomes of the connection, and what may be missing because of it."""
    match item:
        case ConnectionLost():
            console.say(f"connection lost: {item.reason}; the next attempt in {item.retry_in_seconds:.1f} s")
        case Resumed(missed=()):
            console.say("connected again; nothing was missed")
        case Resumed():
            console.say("connected again; events may have been missed in " + ", ".join(item.missed))
        case Reset():
            console.say(f"events may have been missed in {item.channel}")
        case Bus():
            console.say("live events are interrupted" if item.state == "lost" else "live events are back")
        case _:
            pass


class LineDisplay:
    """Time, task, status, name and duration of an update; a log's lines, behind their task when there are several."""

    def __init__(self, console: Console, *, name_tasks: bool, is_coloured: bool) -> None:
        self._console = console
        self._name_tasks = name_tasks
        self._is_coloured = is_coloured

    @property
    def is_open(self) -> bool:
        return self._console.is_open

    async def item(self, item: StreamItem) -> None:
        speak_of_connection(self._console, item)
        if isinstance(item, Connected):
            self._console.say(f"connected as {item.login}, organisation {item.organization_id}")
        elif isinstance(item, Event) and item.type == EventType.EXECUTION_UPDATED:
            await self._update(item)

    async def lines(self, task_id: str, lines: Lines) -> None:
        prefix = f"{neutralised(task_id)} | " if self._name_tasks else ""
        await self._console.echo(prefix + neutralised(text) for text in lines.texts)

    async def _update(self, event: Event) -> None:
        try:
            execution = Execution.model_validate(event.data)
            moment = datetime.fromisoformat(event.at).astimezone()
        except ValueError:
            self._console.say(f"an update that this release cannot read, at {event.position}")
            return
        status = execution.status.ljust(_STATUS_WIDTH)
        if self._is_coloured:
            status = click.style(status, fg=_COLOURS.get(execution.status))
        name = (execution.model_extra or {}).get("name")
        columns = [f"{moment:%H:%M:%S}", neutralised(execution.task_id), status]
        columns += [neutralised(name)] if isinstance(name, str) else []
        if execution.start_time and execution.end_time:
            columns.append(show_duration(execution.end_time - execution.start_time))
        await self._console.echo(["  ".join(columns)])


class FrameDisplay:
    """Each frame as a line of JSON, in ASCII; stored log lines as ``{"type": "stored-log", ...}``."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @property
    def is_open(self) -> bool:
        return self._console.is_open

    async def item(self, item: StreamItem) -> None:
        speak_of_connection(self._console, item)
        if isinstance(item, WireModel):
            await self._print(item.model_dump(mode="json", by_alias=True, exclude_unset=True))

    async def lines(self, task_id: str, lines: Lines) -> None:
        # Live ones have been shown as the frame that they came in.
        if lines.is_stored:
            place = {"taskId": task_id, "attempt": lines.attempt, "firstLine": lines.first_line}
            await self._print({"type": "stored-log", **place, "lines": lines.texts})

    async def _print(self, frame: dict[str, Any]) -> None:
        # ASCII: in JSON, and so in the terminal, a control character is then an escape.
        await self._console.echo([json.dumps(frame)])
