"""Committed, then relayed: each version once and in order, whatever is lost between the two."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from callboard_contracts.channels import LOGS, ORG, Channel
from callboard_contracts.executions import LogChunk, Status
from callboard_contracts.keys import guard_key, meta_key
from callboard_producer.clock import utc_now
from callboard_producer.executions.lifecycle import Post
from callboard_producer.executions.service import Posted, record_post
from callboard_producer.logs.service import append_lines
from callboard_producer.metrics import ProducerMetrics
from callboard_producer.outbox_watch import OutboxWatch
from callboard_producer.tables import OutboxRow
from callboard_servicekit.database import Database
from callboard_servicekit.telemetry import Telemetry
from callboard_testkit.lossy_proxy import LossyProxy, lossy_proxy
from callboard_testkit.signing import TokenMinter
from redis.asyncio import Redis
from sqlalchemy import func, select

from .conftest import MakeSettings
from .producer_under_test import (
    ORGANIZATION,
    ProducerUnderTest,
    append,
    events,
    execution,
    running_producer,
    update,
    update_body,
)


async def versions(redis: Redis) -> list[int]:
    return [event["data"]["version"] for event in await events(redis)]


async def first_lines(redis: Redis, channel: Channel = LOGS) -> list[int]:
    return [event["data"]["firstLine"] for event in await events(redis, channel)]


async def left_in_outbox(database: Database) -> int:
    async with database.read() as unit:
        return await unit.scalar(select(func.count()).select_from(OutboxRow)) or 0


async def commit_and_crash(database: Database, note: str) -> None:
    """What a replica leaves behind that dies between commit and publish."""
    posted = Posted(Post(Status.RUNNING, fields={"note": note}), {})
    async with database.write() as unit:
        await record_post(unit, ORGANIZATION, "task-1", posted, utc_now())


async def commit_lines_and_crash(database: Database, first_line: int, line: str) -> None:
    async with database.write() as unit:
        chunk = LogChunk(first_line=first_line, lines=[line])
        await append_lines(unit, ORGANIZATION, "task-1", chunk, utc_now())


async def set_guard_back(redis: Redis, channel: Channel, sequence: int) -> None:
    """As if what came after had been relayed to a Redis that lost it, and a late replica had begun anew."""
    epoch = await redis.hget(meta_key(ORGANIZATION, channel), "epoch")
    assert isinstance(epoch, bytes)
    await redis.set(guard_key(ORGANIZATION, channel, "task-1"), f"{epoch.decode()}:{sequence}:{sequence}")


async def test_the_outbox_is_empty_after_a_call(worker: httpx.AsyncClient, database: Database) -> None:
    await update(worker)
    await append(worker, 1, "one")

    assert await left_in_outbox(database) == 0


async def test_what_a_dead_replica_left_is_relayed_before_the_next_version(
    producer: ProducerUnderTest, worker: httpx.AsyncClient, database: Database, redis: Redis
) -> None:
    await update(worker)
    for note in ("a", "b"):
        await commit_and_crash(database, note)
    await update(worker, note="c")

    assert await versions(redis) == [1, 2, 3, 4]
    assert await left_in_outbox(database) == 0
    assert producer.sample("callboard_producer_outbox_leftovers_total") == 2.0
    relays = {
        name: producer.sample("callboard_producer_relays_total", outcome=name) for name in ("published", "behind")
    }
    assert relays == {"published": 4.0, "behind": 1.0}


async def test_what_waits_in_the_outbox_can_be_seen_with_the_age_of_the_oldest(database: Database) -> None:
    telemetry = Telemetry()
    watch = OutboxWatch(database, ProducerMetrics(telemetry), lambda: utc_now() + timedelta(minutes=5))

    async def seen() -> tuple[float | None, float | None]:
        await watch.look()
        names = ("callboard_producer_outbox_events", "callboard_producer_outbox_oldest_seconds")
        events, age = (telemetry.registry.get_sample_value(name) for name in names)
        return events, age

    assert await seen() == (0, 0)
    for note in ("a", "b"):
        await commit_and_crash(database, note)
    events, age = await seen()
    assert events == 2
    assert 300 <= (age or 0) < 360


async def test_a_post_that_changes_nothing_relays_what_is_left(
    worker: httpx.AsyncClient, database: Database, redis: Redis
) -> None:
    for note in ("a", "b"):
        await commit_and_crash(database, note)
    answer = await update(worker, note="b")

    told = await events(redis)
    assert [event["data"]["version"] for event in told] == [1, 2]
    assert answer["position"] == told[-1]["position"]
    assert await left_in_outbox(database) == 0


async def test_a_creation_that_was_committed_and_not_told_is_told_by_its_repeat(
    worker: httpx.AsyncClient, database: Database, redis: Redis
) -> None:
    async with database.write() as unit:
        posted = Posted(Post(Status.PENDING), {})
        await record_post(unit, ORGANIZATION, "task-1", posted, utc_now())

    assert (await worker.post("/executions", json={"taskId": "task-1"})).status_code == httpx.codes.OK
    assert await versions(redis) == [1]


async def test_log_chunks_that_a_dead_replica_left_are_relayed_in_order(
    worker: httpx.AsyncClient, database: Database, redis: Redis
) -> None:
    await update(worker)
    for number in range(1, 46):
        await commit_lines_and_crash(database, number, f"line {number}")
    assert (await append(worker, 45, "line 45")).json()["lastLine"] == 45
    await append(worker, 46, "line 46")

    for channel in (LOGS, Channel.execution("task-1")):
        assert await first_lines(redis, channel) == list(range(1, 47))
    assert await left_in_outbox(database) == 0


async def test_a_redis_that_lost_everything_goes_on_from_what_is_left(
    worker: httpx.AsyncClient, database: Database, redis: Redis
) -> None:
    before = await update(worker)
    await append(worker, 1, "one")
    await redis.flushall()
    await commit_and_crash(database, "left")
    await update(worker, note="next")
    await append(worker, 2, "two")

    assert await versions(redis) == [2, 3]
    assert await first_lines(redis) == await first_lines(redis, Channel.execution("task-1")) == [2]
    after = await update(worker, note="next")
    assert before["position"].split(":")[0] != after["position"].split(":")[0]


@pytest.mark.parametrize("left", [0, 2])
async def test_what_redis_misses_and_no_outbox_holds_does_not_stop_an_execution(
    worker: httpx.AsyncClient, database: Database, redis: Redis, left: int
) -> None:
    for number in range(1, 5):
        await update(worker, number=number)
        await append(worker, number, "line")
    await set_guard_back(redis, ORG, 2)
    await set_guard_back(redis, LOGS, 2)
    for number in range(left):
        await commit_and_crash(database, f"left {number}")
        await commit_lines_and_crash(database, 5 + number, "line")
    await update(worker, number=5)
    await append(worker, 5 + left, "line")
    await update(worker, number=6)

    assert await versions(redis) == list(range(1, 7 + left))
    assert await first_lines(redis) == list(range(1, 6 + left))
    # Lines 3 and 4 may be missing before this: the execution's own channel holds only what is contiguous.
    assert await first_lines(redis, Channel.execution("task-1")) == list(range(5, 6 + left))
    assert await left_in_outbox(database) == 0


@pytest.fixture
async def lossy(
    make_settings: MakeSettings, migrated_url: str, redis_url: str, minter: TokenMinter
) -> AsyncIterator[tuple[LossyProxy, httpx.AsyncClient]]:
    """A worker of a producer that reaches Redis through a proxy."""
    async with (
        lossy_proxy(int(redis_url.rpartition(":")[2].partition("/")[0])) as proxy,
        running_producer(make_settings(migrated_url, proxy.redis_url), minter, redis_url) as producer,
        producer.client() as client,
    ):
        yield proxy, client


@pytest.mark.clause("EXEC-8")
async def test_a_lost_reply_is_503_and_the_same_post_again_neither_doubles_nor_loses(
    lossy: tuple[LossyProxy, httpx.AsyncClient], redis: Redis
) -> None:
    proxy, client = lossy
    await update(client, note="warm")
    proxy.loses = lambda request: b"EVALSHA" in request
    for call in (
        client.post("/executions/update", json=update_body(note="a")),
        append(client, 1, "one"),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.SERVICE_UNAVAILABLE, "relay-unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert proxy.lost == 2
    assert (await versions(redis), await first_lines(redis)) == ([1, 2], [1])

    proxy.loses = lambda _request: False
    assert (await update(client, note="a"))["position"] == (await events(redis))[-1]["position"]
    assert (await append(client, 1, "one")).json() == {"attempt": 1, "lastLine": 1, "position": "1:1"}
    assert (await execution(client))["version"] == 2
    assert (await versions(redis), await first_lines(redis)) == ([1, 2], [1])
