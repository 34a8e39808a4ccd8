from datetime import datetime

import httpx
from callboard_contracts.executions import Execution
from callboard_contracts.wire import format_time
from redis.asyncio import Redis

from .producer_under_test import ORGANIZATION, events, execution, update

CREATED = httpx.codes.CREATED


async def test_a_created_execution_is_pending_and_told(worker: httpx.AsyncClient, redis: Redis) -> None:
    answer = await worker.post("/executions", json={"name": "nightly"})

    assert answer.status_code == CREATED
    row = answer.json()
    Execution.model_validate(row)
    assert (row["status"], row["attempt"], row["version"], row["name"]) == ("PENDING", 1, 1, "nightly")
    assert row == await execution(worker, row["taskId"])
    (event,) = await events(redis)
    assert event["data"] == row
    assert event["posted"] == {
        "taskId": row["taskId"],
        "organizationId": ORGANIZATION,
        "status": "PENDING",
        "name": "nightly",
        "attempt": 1,
        "version": 1,
    }


async def test_an_execution_is_created_once(worker: httpx.AsyncClient, redis: Redis) -> None:
    body = {"taskId": "task-1", "name": "nightly", "organizationId": ORGANIZATION}
    first = await worker.post("/executions", json=body)
    again = await worker.post("/executions", json=body)
    assert (first.status_code, again.status_code) == (CREATED, httpx.codes.OK)
    assert first.json() == again.json()

    other = await worker.post("/executions", json=body | {"name": "weekly"})
    await update(worker)
    moved_on = await worker.post("/executions", json=body)
    for answer in (other, moved_on):
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.CONFLICT, "execution-exists")
    assert len(await events(redis)) == 2


async def test_creating_for_another_organization_is_refused(worker: httpx.AsyncClient) -> None:
    answer = await worker.post("/executions", json={"organizationId": "org-2"})

    assert (answer.status_code, answer.json()["code"]) == (httpx.codes.FORBIDDEN, "foreign-organization")


async def test_the_list_is_newest_first_and_shows_the_organizations_own(
    worker: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await worker.get("/executions")).json() == []
    for name in ("b", "a", "c"):
        await update(worker, name)
    await update(worker, "b", "PASSED")
    await stranger.post("/executions", json={"taskId": "theirs"})

    answer = await worker.get("/executions")
    assert [row["taskId"] for row in answer.json()] == ["c", "a", "b"]
    assert answer.json()[2] == await execution(worker, "b")
    assert "link" not in answer.headers


async def test_the_list_is_filtered_and_paged_without_a_row_twice(worker: httpx.AsyncClient) -> None:
    for number in range(9):
        await update(worker, f"task-{number}", ("PENDING", "RUNNING", "PASSED")[number % 3])

    url: httpx.URL | None = worker.base_url.join("/executions?limit=2&status=RUNNING&status=PASSED")
    pages = []
    while url is not None:
        answer = await worker.get(url)
        pages.append([row["taskId"] for row in answer.json()])
        following = answer.links.get("next")
        url = url.join(following["url"]) if following else None
        if len(pages) == 1:
            await update(worker, "newer")  # what comes meanwhile moves no page
    assert pages == [["task-8", "task-7"], ["task-5", "task-4"], ["task-2", "task-1"]]


async def test_snapshots_carry_the_position_to_go_on_from(worker: httpx.AsyncClient) -> None:
    answer = await update(worker)

    for path in ("/executions", "/executions/task-1"):
        assert (await worker.get(path)).headers["x-position"] == answer["position"]


async def test_an_unknown_and_a_foreign_execution_are_the_same_404(
    worker: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await update(worker)
    for path in ("/executions/task-1", "/executions/task-2", "/executions/task-1/logs"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.NOT_FOUND, "execution-not-found")


async def test_a_query_out_of_bounds_is_422(worker: httpx.AsyncClient) -> None:
    endless = "9" * 5_000
    for query in ("limit=0", "limit=201", "limit=x", "cursor=0", f"cursor={2**63}", f"cursor={endless}", "status=DONE"):
        answer = await worker.get(f"/executions?{query}")
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "invalid-request")


async def test_times_are_utc_with_milliseconds(worker: httpx.AsyncClient) -> None:
    await update(worker, startTime="2026-01-29T12:00:00+02:00")

    row = await execution(worker)
    assert row["startTime"] == "2026-01-29T10:00:00.000Z"
    for name in ("createdAt", "updatedAt"):
        assert format_time(datetime.fromisoformat(row[name])) == row[name]
