from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from callboard_contracts.events import BusEvent
from callboard_contracts.executions import Execution
from callboard_contracts.wire import format_time
from redis.asyncio import Redis

from .producer_under_test import ORGANIZATION, ProducerUnderTest, events, execution, update, update_body

CONFLICT = httpx.codes.CONFLICT


async def post(client: httpx.AsyncClient, *args: Any, **fields: Any) -> tuple[int, str]:
    """Status and code of an update that is to be refused."""
    answer = await client.post("/executions/update", json=update_body(*args, **fields))
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_an_update_is_stored_told_and_answered_with_its_position(worker: httpx.AsyncClient, redis: Redis) -> None:
    start = "2026-01-29T10:00:00Z"
    answer = await update(worker, startTime=start, testName="checkout", tags=["a", 1, None, {"b": True}])

    row = await execution(worker)
    Execution.model_validate(row)
    created, updated = row.pop("createdAt"), row.pop("updatedAt")
    assert created == updated
    assert row == {
        "taskId": "task-1",
        "organizationId": ORGANIZATION,
        "status": "RUNNING",
        "attempt": 1,
        "version": 1,
        "startTime": "2026-01-29T10:00:00.000Z",
        "endTime": None,
        "testName": "checkout",
        "tags": ["a", 1, None, {"b": True}],
    }
    (event,) = await events(redis)
    BusEvent.model_validate(event)
    assert event["type"] == "execution-updated"
    assert answer == {"status": "broadcasted", "position": event["position"]}
    assert event["data"] == row | {"createdAt": created, "updatedAt": updated}
    assert event["at"] == updated
    body = update_body(startTime=start, testName="checkout", tags=["a", 1, None, {"b": True}])
    assert event["posted"] == body | {"attempt": 1, "version": 1}


async def test_the_events_request_id_is_that_of_the_call(worker: httpx.AsyncClient, redis: Redis) -> None:
    answer = await worker.post("/executions/update", json=update_body(), headers={"X-Request-Id": "the-request-1"})

    (event,) = await events(redis)
    assert event["requestId"] == answer.headers["x-request-id"] == "the-request-1"


async def test_the_same_post_again_makes_no_version_and_no_event(worker: httpx.AsyncClient, redis: Redis) -> None:
    posts: list[tuple[str, dict[str, Any]]] = [
        ("PENDING", {}),
        ("RUNNING", {"note": {"a": 1}}),
        ("PASSED", {"note": {"a": 2}}),
    ]
    for status, fields in posts:
        answers = [await update(worker, status=status, **fields) for _ in range(3)]
        assert answers == answers[:1] * 3

    assert [event["data"]["version"] for event in await events(redis)] == [1, 2, 3]


async def test_a_value_that_only_python_takes_for_the_same_is_a_change(worker: httpx.AsyncClient) -> None:
    for version, value in enumerate([1, True, 1.0, 0, False], start=1):
        await update(worker, value=value)
        row = await execution(worker)
        assert (row["version"], repr(row["value"])) == (version, repr(value))


async def test_times_that_nobody_gave_are_those_of_the_call(worker: httpx.AsyncClient) -> None:
    before = format_time(datetime.now(UTC))
    await update(worker)
    await update(worker, status="PASSED")
    row = await execution(worker)

    assert before <= row["startTime"] <= row["endTime"] == row["updatedAt"] <= format_time(datetime.now(UTC))


async def test_a_time_that_was_read_and_posted_again_is_the_same(worker: httpx.AsyncClient) -> None:
    await update(worker, startTime="2026-01-29T11:00:00.123987+01:00")
    row = await execution(worker)
    assert row["startTime"] == "2026-01-29T10:00:00.123Z"

    await update(worker, startTime=row["startTime"])
    assert (await execution(worker))["version"] == 1


async def test_a_finished_attempt_is_over_and_the_next_begins_by_number_or_by_a_later_start(
    worker: httpx.AsyncClient,
) -> None:
    await update(worker, status="FAILED", endTime="2026-01-29T10:00:00Z", note="a")
    for status, fields in (("PASSED", {}), ("FAILED", {"note": "b"}), ("RUNNING", {}), ("PASSED", {"attempt": 2})):
        assert await post(worker, status=status, **fields) == (CONFLICT, "attempt-over")
    assert await post(worker, startTime="2026-01-29T10:00:00Z") == (CONFLICT, "attempt-over")

    await update(worker, startTime="2026-01-29T10:00:00.001Z")
    row = await execution(worker)
    assert (row["attempt"], row["status"], row["endTime"], row["note"]) == (2, "RUNNING", None, "a")

    await update(worker, status="PENDING", attempt=5)
    row = await execution(worker)
    assert (row["attempt"], row["status"], row["startTime"]) == (5, "PENDING", None)
    assert await post(worker, attempt=4) == (CONFLICT, "attempt-over")
    assert await post(worker, status="PASSED", attempt=6) == (CONFLICT, "attempt-not-begun")
    assert (await execution(worker))["version"] == row["version"] == 3


async def test_a_later_start_opens_only_one_attempt_however_often_it_is_posted(worker: httpx.AsyncClient) -> None:
    await update(worker, status="PASSED")
    later = format_time(datetime.now(UTC) + timedelta(minutes=1))
    for _ in range(3):
        await update(worker, startTime=later)

    assert (await execution(worker))["attempt"] == 2


async def test_lost_is_not_for_workers_to_post(worker: httpx.AsyncClient) -> None:
    assert await post(worker, status="LOST") == (httpx.codes.UNPROCESSABLE_ENTITY, "status-not-postable")


async def test_kept_fields_are_bounded_after_the_merge(worker: httpx.AsyncClient) -> None:
    await update(worker, note="x" * 16_000)

    too_large = (httpx.codes.REQUEST_ENTITY_TOO_LARGE, "kept-fields-too-large")
    assert await post(worker, more="x" * 1_000) == too_large
    assert await post(worker, "task-2", more="é" * 9_000) == too_large
    assert await post(worker, startTime="2026-01-29T10:00:00." + "1" * 20_000 + "Z") == too_large
    assert (await execution(worker))["version"] == 1


async def test_names_that_are_ours_cannot_be_taken(worker: httpx.AsyncClient, redis: Redis) -> None:
    await update(worker, version=9, createdAt="x", updatedAt="x", created_at="y", self="z")

    row = await execution(worker)
    assert (row["version"], row["created_at"], row["self"]) == (1, "y", "z")
    assert row["createdAt"] != "x"
    (event,) = await events(redis)
    assert "createdAt" not in event["posted"]


async def test_an_organization_that_is_not_the_callers_is_refused(
    worker: httpx.AsyncClient, stranger: httpx.AsyncClient, redis: Redis
) -> None:
    assert await post(stranger) == (httpx.codes.FORBIDDEN, "foreign-organization")
    await update(worker)

    body = update_body() | {"organizationId": "org-2"}
    assert (await stranger.post("/executions/update", json=body)).status_code == httpx.codes.OK
    assert (await execution(worker))["organizationId"] == ORGANIZATION
    assert (await execution(stranger))["organizationId"] == "org-2"
    assert len(await events(redis)) == len(await events(redis, organization_id="org-2")) == 1


async def test_a_viewer_reads_and_does_not_write(producer: ProducerUnderTest, worker: httpx.AsyncClient) -> None:
    await update(worker)
    async with producer.client(role="viewer") as viewer:
        assert (await execution(viewer))["status"] == "RUNNING"
        assert await post(viewer, status="PASSED") == (httpx.codes.FORBIDDEN, "forbidden")
        for path, body in (("/executions", {}), ("/executions/task-1/logs", {"firstLine": 1, "lines": ["x"]})):
            assert (await viewer.post(path, json=body)).status_code == httpx.codes.FORBIDDEN


async def test_updates_are_counted_by_outcome(producer: ProducerUnderTest, worker: httpx.AsyncClient) -> None:
    await update(worker)
    await update(worker)
    await update(worker, status="PASSED")
    await post(worker, status="FAILED")

    outcomes = ("created", "changed", "unchanged", "attempt-over")
    assert [producer.sample("callboard_producer_updates_total", outcome=name) for name in outcomes] == [1.0] * 4
    assert producer.sample("callboard_producer_relay_seconds_count") == 3.0
    assert producer.sample("callboard_producer_outbox_leftovers_total") == 0.0
