from typing import Any

import httpx
import pytest
from callboard_contracts.channels import LOGS, Channel
from callboard_contracts.events import BusEvent
from callboard_contracts.executions import LogEvent
from redis.asyncio import Redis

from .producer_under_test import Json, ProducerUnderTest, append, events, update

CONFLICT = httpx.codes.CONFLICT
KIBI = 1024


@pytest.fixture(autouse=True)
async def begun(worker: httpx.AsyncClient) -> None:
    """task-1 runs."""
    await update(worker)


async def appended(client: httpx.AsyncClient, first_line: int, *lines: str, **fields: Any) -> Json:
    answer = await append(client, first_line, *lines, **fields)
    assert answer.status_code == httpx.codes.OK, answer.text
    body: Json = answer.json()
    return body


async def refused(client: httpx.AsyncClient, first_line: int, *lines: str, **fields: Any) -> tuple[int, str]:
    answer = await append(client, first_line, *lines, **fields)
    return answer.status_code, answer.json()["code"]


async def page(client: httpx.AsyncClient, **params: Any) -> Json:
    answer = await client.get("/executions/task-1/logs", params=params)
    assert answer.status_code == httpx.codes.OK, answer.text
    body: Json = answer.json()
    return body


async def test_lines_are_stored_and_told_to_both_channels(worker: httpx.AsyncClient, redis: Redis) -> None:
    assert await appended(worker, 1, "one", "two") == {"attempt": 1, "lastLine": 2, "position": "1:2"}
    assert await appended(worker, 3, "three") == {"attempt": 1, "lastLine": 3, "position": "1:3"}

    everywhere = await events(redis, LOGS)
    own = await events(redis, Channel.execution("task-1"))
    for event in [*everywhere, *own]:
        BusEvent.model_validate(event)
        LogEvent.model_validate(event["data"])
    data = [
        {"taskId": "task-1", "attempt": 1, "firstLine": 1, "lines": ["one", "two"]},
        {"taskId": "task-1", "attempt": 1, "firstLine": 3, "lines": ["three"]},
    ]
    assert [event["data"] for event in everywhere] == [event["data"] for event in own] == data
    assert [event["position"] for event in own] == ["1:2", "1:3"]
    assert {event["type"] for event in own} == {"execution-log"}


async def test_a_repeat_stores_and_tells_only_what_is_new(
    producer: ProducerUnderTest, worker: httpx.AsyncClient, redis: Redis
) -> None:
    for _ in range(3):
        await appended(worker, 1, "one", "two", "three")
    await appended(worker, 2, "two")
    await appended(worker, 3, "three", "four")
    await appended(worker, 1, "one", "two", "three", "four", "five")

    assert (await page(worker))["lines"] == ["one", "two", "three", "four", "five"]
    told = [(event["data"]["firstLine"], event["data"]["lines"]) for event in await events(redis, LOGS)]
    assert told == [(1, ["one", "two", "three"]), (4, ["four"]), (5, ["five"])]
    assert producer.sample("callboard_producer_log_lines_total") == 5.0
    assert producer.sample("callboard_producer_log_bytes_total") > 5.0


async def test_a_stored_number_is_never_rewritten(worker: httpx.AsyncClient) -> None:
    await appended(worker, 1, "one", "two")
    await appended(worker, 3, "three")

    conflict = (CONFLICT, "line-conflict")
    assert await refused(worker, 2, "TWO", "three", "four") == conflict
    assert await refused(worker, 2, "two", "THREE", "four") == conflict
    assert await refused(worker, 1, "") == conflict
    assert (await page(worker))["lines"] == ["one", "two", "three"]


async def test_a_hole_is_told_with_the_line_that_is_expected(worker: httpx.AsyncClient) -> None:
    for stored in (0, 1):
        answer = await append(worker, stored + 2, "late")
        assert (answer.status_code, answer.json()["code"]) == (CONFLICT, "line-gap")
        assert answer.json()["expectedLine"] == stored + 1
        await appended(worker, stored + 1, "line")


async def test_lines_start_over_with_an_attempt_and_the_old_one_takes_none(
    worker: httpx.AsyncClient, redis: Redis
) -> None:
    await appended(worker, 1, "one", "two")
    await update(worker, status="FAILED")
    assert (await appended(worker, 3, "its last words"))["position"] == "1:3"
    await update(worker, attempt=3)

    over = (CONFLICT, "attempt-over")
    assert await refused(worker, 4, "late", attempt=1) == over
    assert await refused(worker, 3, "other words", attempt=1) == over
    assert await refused(worker, 9, "hole", attempt=1) == over
    assert await refused(worker, 1, "never was", attempt=2) == over
    assert await refused(worker, 1, "early", attempt=4) == (CONFLICT, "attempt-not-begun")
    repeat = await appended(worker, 2, "two", attempt=1)
    assert repeat == {"attempt": 1, "lastLine": 3, "position": "1:3"}
    assert await appended(worker, 1, "another life") == {"attempt": 3, "lastLine": 1, "position": "3:1"}
    assert (await page(worker))["lines"] == ["another life"]
    assert (await page(worker, attempt=1))["lines"] == ["one", "two", "its last words"]
    assert await page(worker, attempt=2) == {
        "attempt": 2,
        "firstLine": 1,
        "lines": [],
        "position": "2:0",
        "nextAfter": None,
    }
    positions = [event["position"] for event in await events(redis, Channel.execution("task-1"))]
    assert positions == ["1:2", "1:3", "3:1"]


async def test_lines_need_an_execution_of_ones_own(worker: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    for client, task_id in ((worker, "task-2"), (stranger, "task-1")):
        assert await refused(client, 1, "x", task_id=task_id) == (httpx.codes.NOT_FOUND, "execution-not-found")


async def test_a_line_and_a_chunk_have_bounds_in_bytes(worker: httpx.AsyncClient) -> None:
    too_large = httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert await refused(worker, 1, "é" * 8 * KIBI + "x") == (too_large, "line-too-long")
    assert await refused(worker, 1, *["x" * 16 * KIBI] * 16) == (too_large, "chunk-too-large")
    assert await refused(worker, 1, *["x"] * 1_001) == (httpx.codes.UNPROCESSABLE_ENTITY, "invalid-request")
    assert await refused(worker, 1) == (httpx.codes.UNPROCESSABLE_ENTITY, "invalid-request")
    assert await refused(worker, 1, *["\x1b" * 4 * KIBI] * 11) == (too_large, "chunk-too-large")
    full = ["é" * 8 * KIBI] * 15
    for _ in range(2):
        assert (await appended(worker, 1, *full, "", ""))["lastLine"] == 17


async def test_text_that_some_party_could_not_carry_is_repaired(worker: httpx.AsyncClient) -> None:
    body = b'{"firstLine": 1, "lines": ["a\\u0000b", "c\\ud800d", "\\ud83d\\ude00", "\xc2\x85\\u2028\x7f"]}'
    for _ in range(2):
        headers = {"Content-Type": "application/json"}
        answer = await worker.post("/executions/task-1/logs", content=body, headers=headers)
        assert answer.status_code == httpx.codes.OK

    assert (await page(worker))["lines"] == ["a\ufffdb", "c\ufffdd", "\U0001f600", "\x85\u2028\x7f"]


async def test_pages_are_bounded_in_lines_and_join_without_a_seam(worker: httpx.AsyncClient) -> None:
    lines = [f"line {number}" for number in range(1, 101)]
    first = 0
    for size in (1, 7, 2, 40, 30, 20):
        await appended(worker, first + 1, *lines[first : first + size])
        first += size

    for limit in (1, 3, 50, 100, 1_000):
        read: list[str] = []
        after: int | None = 0
        while after is not None:
            found = await page(worker, after=after, limit=limit)
            assert found["firstLine"] == after + 1
            assert len(found["lines"]) <= limit
            read += found["lines"]
            assert found["position"] == f"1:{len(read)}"
            after = found["nextAfter"]
            assert after in {None, len(read)}
        assert read == lines
    assert (await page(worker, after=100))["position"] == (await page(worker, after=500))["position"] == "1:100"


async def test_pages_are_bounded_in_bytes(worker: httpx.AsyncClient) -> None:
    for chunk in range(8):
        await appended(worker, chunk * 15 + 1, *["x" * 16 * KIBI] * 15)

    found = await page(worker)
    assert (len(found["lines"]), found["nextAfter"], found["position"]) == (64, 64, "1:64")
    found = await page(worker, after=64)
    assert (len(found["lines"]), found["nextAfter"], found["position"]) == (56, None, "1:120")


async def test_a_query_out_of_bounds_is_422(worker: httpx.AsyncClient) -> None:
    for query in ("limit=0", "limit=1001", "after=-1", f"after={2**31}", "attempt=0", "attempt=1000001", "after=x"):
        answer = await worker.get(f"/executions/task-1/logs?{query}")
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "invalid-request")
