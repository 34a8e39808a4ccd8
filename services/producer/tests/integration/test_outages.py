"""What we need goes away and comes back: 503 with Retry-After meanwhile, and nothing acknowledged is lost."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from callboard_contracts.channels import LOGS
from callboard_producer.app import create_app
from callboard_producer.migrations import SCRIPTS
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.migrations import migrate
from callboard_testkit.postgres_server import PostgresServer
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete, running
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

from .conftest import MakeSettings
from .producer_under_test import ProducerUnderTest, append, events, execution, running_producer, update, update_body

UNAVAILABLE = httpx.codes.SERVICE_UNAVAILABLE


def code_of_outage(answer: httpx.Response) -> str:
    assert answer.status_code == UNAVAILABLE
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    return str(answer.json()["code"])


async def answers_again(client: httpx.AsyncClient) -> bool:
    return (await client.get("/executions")).status_code == httpx.codes.OK


@pytest.fixture
async def without_redis(
    make_settings: MakeSettings, migrated_url: str, own_redis: RedisServer, minter: TokenMinter
) -> AsyncIterator[ProducerUnderTest]:
    """A producer whose Redis has just gone, with one execution and one line of its log."""
    async with running_producer(make_settings(migrated_url, own_redis.url), minter) as producer:
        async with producer.client() as client:
            await update(client, note="before")
            await append(client, 1, "one")
        own_redis.stop()
        yield producer


@pytest.mark.clause("EXEC-8")
@pytest.mark.clause("HTTP-7")
async def test_without_redis_a_change_is_kept_and_relayed_once_it_is_back(
    without_redis: ProducerUnderTest, own_redis: RedisServer
) -> None:
    async with without_redis.client() as client:
        for _ in range(2):
            answer = await client.post("/executions/update", json=update_body(note="during"))
            assert code_of_outage(answer) == "relay-unavailable"
            assert code_of_outage(await append(client, 1, "one", "two")) == "relay-unavailable"
        assert code_of_outage(await client.get("/executions")) == "relay-unavailable"
        assert (await client.get("/executions/task-1/logs")).json()["lines"] == ["one", "two"]
        own_redis.start()
        async with Redis.from_url(own_redis.url) as redis:
            await declare_revocations_complete(redis)
            await eventually(lambda: answers_again(client))
            await update(client, note="during")
            await append(client, 1, "one", "two")

            row = await execution(client)
            assert (row["version"], row["note"]) == (2, "during")
            # The history has its own append-only file, and is dropped all the same: it belongs to a Redis that is gone.
            assert [event["data"] for event in await events(redis)] == [row]
            assert [event["data"]["lines"] for event in await events(redis, LOGS)] == [["two"]]


async def test_without_redis_the_producer_says_that_it_is_not_ready(without_redis: ProducerUnderTest) -> None:
    assert "redis" in await telemetry_of(without_redis.app).failing()


@pytest.mark.clause("HTTP-7")
async def test_without_its_database_the_producer_answers_503_and_goes_on_afterwards(
    make_settings: MakeSettings, own_postgres: PostgresServer, redis_url: str, redis: Redis, minter: TokenMinter
) -> None:
    database_url = await own_postgres.create_database()
    await asyncio.to_thread(migrate, database_url, "producer", SCRIPTS)
    async with (
        running_producer(make_settings(database_url, redis_url), minter) as producer,
        producer.client() as client,
    ):
        await update(client, note="before")
        own_postgres.stop()
        assert code_of_outage(await client.get("/executions")) == "unavailable"
        assert code_of_outage(await client.get("/executions/task-1")) == "unavailable"
        assert code_of_outage(await client.get("/executions/task-1/logs")) == "unavailable"
        assert code_of_outage(await client.post("/executions", json={})) == "unavailable"
        assert code_of_outage(await append(client, 1, "one")) == "unavailable"
        answer = await client.post("/executions/update", json=update_body(note="during"))
        assert code_of_outage(answer) == "unavailable"
        assert await telemetry_of(producer.app).failing() == ["database"]

        own_postgres.start()
        await eventually(lambda: answers_again(client))
        assert (await execution(client))["note"] == "before"
        await update(client, note="after")
        assert [event["data"]["note"] for event in await events(redis)] == ["before", "after"]


async def test_nobody_is_let_in_before_revocations_and_keys_are_known(
    make_settings: MakeSettings, migrated_sqlite_url: str, redis_url: str, minter: TokenMinter
) -> None:
    settings = make_settings(migrated_sqlite_url, redis_url).model_copy(
        update={"jwks_url": "http://127.0.0.1:9/jwks.json"}
    )
    app = create_app(settings)
    async with running(app) as url:
        producer = ProducerUnderTest(url, app, settings, minter)
        assert set(await telemetry_of(app).failing()) == {"revocations", "keys"}
        async with producer.client() as client:
            assert code_of_outage(await client.get("/executions")) == "unavailable"
