import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from callboard_contracts.events import Event
from callboard_testkit.waiting import eventually
from callboard_worker.sdk.stream import Resumed, StreamItem
from callboard_worker.watching.log_follower import Lines
from callboard_worker.watching.watching import Watching

from .conftest import Suite
from .fake_gateway import AT


class Notebook:
    is_open = True

    def __init__(self) -> None:
        self.items: list[StreamItem] = []
        self.log: dict[str, list[str]] = {}

    async def item(self, item: StreamItem) -> None:
        self.items.append(item)

    async def lines(self, task_id: str, lines: Lines) -> None:
        self.log.setdefault(task_id, []).extend(lines.texts)

    @property
    def resumptions(self) -> list[Resumed]:
        return [item for item in self.items if isinstance(item, Resumed)]


@asynccontextmanager
async def watched(suite: Suite, task_id: str | None = None, *, all_logs: bool = False) -> AsyncIterator[Notebook]:
    notebook = Notebook()
    async with suite.client() as client:
        task = asyncio.create_task(Watching(client, notebook, task_id, all_logs=all_logs).follow())
        channels = 1 + (task_id is not None) + all_logs
        await eventually(lambda: task.done() or len(notebook.items) >= channels)
        yield notebook
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def row(task_id: str, **changes: Any) -> dict[str, Any]:
    known = {"taskId": task_id, "organizationId": "org-1", "status": "RUNNING", "attempt": 1, "version": 1}
    return known | {"createdAt": AT, "updatedAt": AT} | changes


async def test_updates_are_shown_as_they_come(suite: Suite) -> None:
    async with watched(suite) as notebook:
        await suite.gateway.publish("org", "execution-updated", "e1:1", row("t-1"))
        await eventually(lambda: len(notebook.items) == 2)
    assert isinstance(notebook.items[1], Event)


async def test_a_log_is_the_stored_lines_and_then_the_live_ones(suite: Suite) -> None:
    await suite.gateway.publish_log("t-1", [str(number) for number in range(1_500)])
    async with watched(suite, "t-1") as notebook:
        await eventually(lambda: len(notebook.log.get("t-1", [])) == 1_500)
        await suite.gateway.publish_log("t-1", ["1500", "1501"])
        await eventually(lambda: len(notebook.log["t-1"]) == 1_502)
    assert notebook.log["t-1"] == [str(number) for number in range(1_502)]


async def test_lines_that_were_missed_are_read_before_the_next_live_ones(suite: Suite) -> None:
    async with watched(suite, "t-1") as notebook:
        await suite.gateway.publish_log("t-1", ["a"])
        await suite.gateway.publish_log("t-1", ["b", "c"], is_heard=False)
        await suite.gateway.publish_log("t-1", ["d"])
        await eventually(lambda: notebook.log.get("t-1", [])[-1:] == ["d"])
    assert notebook.log["t-1"] == ["a", "b", "c", "d"]


async def test_after_a_reconnect_the_log_has_no_gap_and_no_line_twice(suite: Suite) -> None:
    async with watched(suite, "t-1") as notebook:
        await suite.gateway.publish_log("t-1", ["a", "b"])
        await eventually(lambda: len(notebook.log.get("t-1", [])) == 2)
        await suite.gateway.close_all(1008, "back-pressure threshold exceeded")
        await suite.gateway.publish_log("t-1", ["c"])
        await eventually(lambda: len(notebook.log["t-1"]) == 3)
        await eventually(lambda: bool(notebook.resumptions))
        await suite.gateway.publish_log("t-1", ["d"])
        await eventually(lambda: len(notebook.log["t-1"]) == 4)
    assert notebook.log["t-1"] == ["a", "b", "c", "d"]
    assert notebook.resumptions == [Resumed(("execution:t-1",))]


async def test_a_new_attempt_is_followed_from_its_first_line(suite: Suite) -> None:
    async with watched(suite, "t-1") as notebook:
        await suite.gateway.publish_log("t-1", ["a"])
        await eventually(lambda: notebook.log.get("t-1") == ["a"])
        suite.gateway.attempts["t-1"] = 2
        await suite.gateway.publish_log("t-1", ["again"], is_heard=False)
        await suite.gateway.publish_log("t-1", ["and on"])
        await eventually(lambda: notebook.log.get("t-1", [])[-1:] == ["and on"])
    assert notebook.log["t-1"] == ["a", "again", "and on"]


async def test_all_logs_begin_with_what_comes_and_are_gap_free_from_there(suite: Suite) -> None:
    def chunk(first_line: int, *lines: str) -> dict[str, Any]:
        return {"taskId": "t-1", "attempt": 1, "firstLine": first_line, "lines": lines}

    async with watched(suite, all_logs=True) as notebook:
        suite.gateway.attempts["t-1"] = 1
        suite.gateway.logs["t-1", 1] = ["1", "2", "3", "4", "5"]
        await suite.gateway.publish("logs", "execution-log", "e1:3", chunk(3, "3"))
        await suite.gateway.publish("logs", "execution-log", "e1:5", chunk(5, "5"))
        await eventually(lambda: len(notebook.log.get("t-1", [])) == 3)
        suite.gateway.logs["t-1", 1] += ["6"]
        suite.gateway.positions["logs"] = "e1:6"
        await suite.gateway.close_all(4002, "no pong")
        await eventually(lambda: len(notebook.log["t-1"]) == 4)
    assert notebook.log["t-1"] == ["3", "4", "5", "6"]
