"""Agents' events: to everybody who follows the workflow and to all who follow every one, once by their id."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from callboard_contracts.channels import WORKFLOWS, Channel
from callboard_contracts.events import BusEvent
from callboard_contracts.keys import guard_key
from callboard_contracts.workflows import MAX_DATA_BYTES
from callboard_producer.settings import ProducerSettings
from callboard_testkit.lossy_proxy import lossy_proxy
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

from .conftest import MakeSettings
from .lean_client import LeanClient, lean_client
from .producer_process import producer_process
from .producer_under_test import ORGANIZATION, Json, ProducerUnderTest, events, running_producer

PATH = "/workflows/w1/events"
EVENTS = 40
"""Of each workflow."""
AT_ONCE = 10
LOST = 0.05


def event_body(**fields: Any) -> Json:
    return {"type": "thought", "data": {"content": "hm"}} | fields


async def tell(client: httpx.AsyncClient, workflow: str = "w1", **fields: Any) -> Json:
    answer = await client.post(f"/workflows/{workflow}/events", json=event_body(**fields))
    assert answer.status_code == httpx.codes.OK, answer.text
    body: Json = answer.json()
    return body


async def refusal(client: httpx.AsyncClient, **fields: Any) -> tuple[int, str]:
    answer = await client.post(PATH, json=event_body(**fields))
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def told(redis: Redis, channel: Channel = WORKFLOWS) -> list[Any]:
    return [event["data"]["data"]["content"] for event in await events(redis, channel)]


@pytest.fixture
async def database_url(sqlite_url: str) -> str:
    """Nothing of an agent's event is in a database."""
    return sqlite_url


async def test_an_event_is_told_in_both_channels_with_its_exact_payload(
    worker: httpx.AsyncClient, redis: Redis
) -> None:
    answer = await tell(
        worker, type="tool_call", id="e1", data={"tool": "draw", "n": [1]}, timestamp="2026-01-29T11:00:00+01:00"
    )
    (everywhere,) = await events(redis, WORKFLOWS)
    (own,) = await events(redis, Channel.workflow("w1"))
    assert answer == {"status": "broadcasted", "position": everywhere["position"], "id": "e1"}
    for event in (everywhere, own):
        assert BusEvent.model_validate(event).type == "agent:tool_call"
        assert event["data"] == {
            "type": "tool_call",
            "workflowId": "w1",
            "data": {"tool": "draw", "n": [1]},
            "timestamp": "2026-01-29T10:00:00.000Z",
        }


async def test_an_event_without_time_and_id_gets_both(worker: httpx.AsyncClient, redis: Redis) -> None:
    first, second = await tell(worker), await tell(worker)
    assert first["id"] != second["id"]
    happened = [event["data"]["timestamp"] for event in await events(redis, WORKFLOWS)]
    assert happened == [event["at"] for event in await events(redis, WORKFLOWS)]
    assert len(happened) == 2
    assert await redis.keys(guard_key(ORGANIZATION, WORKFLOWS, "*")) == []


async def test_the_same_id_again_is_the_same_event(
    producer: ProducerUnderTest, worker: httpx.AsyncClient, redis: Redis
) -> None:
    first = await tell(worker, id="e1")
    await tell(worker, id="e2")
    assert await tell(worker, id="e1") == first
    assert len(await told(redis)) == len(await told(redis, Channel.workflow("w1"))) == 2
    counted = {
        outcome: producer.sample("callboard_producer_workflow_events_total", outcome=outcome)
        for outcome in ("published", "repeated")
    }
    assert counted == {"published": 2.0, "repeated": 1.0}


@pytest.mark.parametrize("other", [{"type": "result"}, {"data": {}}, {"timestamp": "2026-01-29T10:00:00Z"}])
async def test_another_event_under_the_same_id_is_refused(
    producer: ProducerUnderTest, worker: httpx.AsyncClient, redis: Redis, other: Json
) -> None:
    await tell(worker, id="e1")
    assert await refusal(worker, id="e1", **other) == (httpx.codes.CONFLICT, "event-conflict")
    assert len(await told(redis)) == 1
    assert producer.sample("callboard_producer_workflow_events_total", outcome="event-conflict") == 1


async def test_the_order_of_names_in_its_data_does_not_make_another_event(worker: httpx.AsyncClient) -> None:
    first = await tell(worker, id="e1", data={"a": 1, "b": {"c": 1, "d": 2}})
    assert await tell(worker, id="e1", data={"b": {"d": 2, "c": 1}, "a": 1}) == first


async def test_ids_are_of_one_workflow_and_one_organisation(
    worker: httpx.AsyncClient, stranger: httpx.AsyncClient, redis: Redis
) -> None:
    for client, workflow in ((worker, "w1"), (worker, "w2"), (stranger, "w1")):
        await tell(client, workflow, id="1", data={"content": workflow})
    assert await told(redis) == ["w1", "w2"]
    assert len(await events(redis, Channel.workflow("w1"), "org-2")) == 1
    assert len(await events(redis, WORKFLOWS, "org-2")) == 1


@pytest.mark.clause("FLOW-3")
async def test_an_id_is_remembered_no_longer_than_the_history(
    producer: ProducerUnderTest, worker: httpx.AsyncClient, redis: Redis
) -> None:
    await tell(worker, id="e1")
    left = timedelta(milliseconds=await redis.pttl(guard_key(ORGANIZATION, WORKFLOWS, "w1:e1")))
    assert timedelta(0) < left <= producer.settings.history_age


async def test_data_has_a_bound(worker: httpx.AsyncClient, redis: Redis) -> None:
    overhead = len('{"content":""}')
    await tell(worker, data={"content": "x" * (MAX_DATA_BYTES - overhead)})
    too_much = {"content": "x" * (MAX_DATA_BYTES - overhead + 1)}
    answer = await refusal(worker, data=too_much)
    assert answer == (httpx.codes.REQUEST_ENTITY_TOO_LARGE, "event-data-too-large")
    assert len(await told(redis)) == 1


async def test_a_time_that_utc_does_not_have_is_refused(worker: httpx.AsyncClient) -> None:
    answer = await refusal(worker, timestamp="0001-01-01T00:00:00+14:00")
    assert answer == (httpx.codes.UNPROCESSABLE_ENTITY, "time-out-of-range")


@pytest.mark.clause("FLOW-4")
async def test_viewers_do_not_tell(producer: ProducerUnderTest, redis: Redis) -> None:
    async with producer.client(role="viewer") as viewer:
        assert await refusal(viewer) == (httpx.codes.FORBIDDEN, "forbidden")
    assert await told(redis) == []


@pytest.mark.clause("FLOW-5")
@pytest.mark.clause("HTTP-7")
async def test_without_redis_an_event_is_refused_and_told_once_when_it_is_sent_again(
    make_settings: MakeSettings, migrated_url: str, own_redis: RedisServer, minter: TokenMinter
) -> None:
    async with (
        running_producer(make_settings(migrated_url, own_redis.url), minter) as producer,
        producer.client() as client,
    ):
        await tell(client, id="before")
        own_redis.stop()
        answer = await client.post(PATH, json=event_body(id="during"))
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["code"] == "relay-unavailable"
        assert int(answer.headers["retry-after"]) > 0

        own_redis.start()
        async with Redis.from_url(own_redis.url) as redis:
            await declare_revocations_complete(redis)
            body = event_body(id="during", data={"content": "during"})

            async def is_told() -> bool:
                return (await client.post(PATH, json=body)).status_code == httpx.codes.OK

            await eventually(is_told)
            await tell(client, **body)
            # What was told before belongs to a Redis that is gone.
            assert await told(redis) == await told(redis, Channel.workflow("w1")) == ["during"]


async def tell_until_acknowledged(doors: tuple[LeanClient, LeanClient], workflow: str, chance: random.Random) -> int:
    """Post a workflow's events in order, each to one of the producers or to both at once; gives what was refused."""
    refused = 0

    async def post(door: LeanClient, body: Json) -> None:
        nonlocal refused
        while True:
            status, answer = await door.post(f"/workflows/{workflow}/events", body)
            if status == httpx.codes.OK:
                return
            assert answer["code"] == "relay-unavailable"
            refused += 1

    for number in range(EVENTS):
        body = event_body(id=f"e{number}", data={"content": [workflow, number]})
        await asyncio.gather(*(post(door, body) for door in chance.sample(doors, chance.choice((1, 2)))))
    return refused


@pytest.fixture
async def settings(make_settings: MakeSettings, migrated_url: str, redis_url: str, redis: Redis) -> ProducerSettings:
    await declare_revocations_complete(redis)
    return make_settings(migrated_url, redis_url).model_copy(update={"log_level": "error"})


@pytest.mark.timeout(120)
async def test_two_producers_with_lost_answers_tell_each_event_once_and_in_one_order(
    settings: ProducerSettings, redis: Redis, minter: TokenMinter, tmp_path: Path
) -> None:
    chance, token = random.Random(7), minter.mint()
    workflows = [f"w{number}" for number in range(AT_ONCE)]
    async with (
        lossy_proxy(int(settings.redis_url.rpartition(":")[2].partition("/")[0])) as proxy,
        producer_process(settings, tmp_path / "one.log") as one,
        producer_process(settings, tmp_path / "two.log", proxy.redis_url) as two,
    ):
        proxy.loses = lambda request: b"EVALSHA" in request and chance.random() < LOST

        async def work(workflow: str) -> int:
            async with lean_client(one.url, token) as first, lean_client(two.url, token) as second:
                return await tell_until_acknowledged((first, second), workflow, chance)

        refused = sum(await asyncio.gather(*map(work, workflows)))

    everywhere = await told(redis)
    assert len(everywhere) == AT_ONCE * EVENTS
    for workflow in workflows:
        own = await told(redis, Channel.workflow(workflow))
        assert own == [[workflow, number] for number in range(EVENTS)]
        assert [content for content in everywhere if content[0] == workflow] == own
    assert refused >= proxy.lost > 0
