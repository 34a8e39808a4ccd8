"""An event that goes into two channels at once, and subjects that are remembered for less long than their channel."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from callboard_contracts.channels import WORKFLOWS, Channel
from callboard_contracts.keys import channel_key, guard_key, meta_key
from callboard_contracts.positions import Position
from callboard_servicekit.relay.relay import (
    PASSING_META_LIVES_WHEN_ASKED_FOR,
    PASSING_META_OUTLIVES_HISTORY_BY,
    AlreadyPublishedOtherwise,
    Guard,
    Published,
    Relay,
    RelayUnavailable,
)
from callboard_testkit.lossy_proxy import lossy_proxy
from redis.asyncio import Redis

from .conftest import HISTORY_AGE

ORG_ID = "org-1"
WORKFLOW = Channel.workflow("w1")
GUARD_LIFE = timedelta(minutes=10)

MakeRelay = Callable[..., Relay]


async def tell(relay: Relay, name: str, *, workflow: Channel = WORKFLOW, content: str = "") -> Published:
    body = json.dumps({"type": "agent:thought", "at": "2026-01-01T00:00:00.000Z", "data": {"name": name}})
    guard = Guard(f"{workflow.id}:{name}", 1, life=GUARD_LIFE, content=content)
    outcome = await relay.publish(ORG_ID, WORKFLOWS, body, guard=guard, second=workflow)
    assert isinstance(outcome, Published)
    return outcome


async def told(redis: Redis, channel: Channel) -> list[tuple[str, str]]:
    """Position and name of each event in a channel's stream."""
    entries: Any = await redis.xrange(channel_key(ORG_ID, channel))
    events = [json.loads(fields[b"e"]) for _, fields in entries]
    return [(event["position"], event["data"]["name"]) for event in events]


async def names(redis: Redis, channel: Channel) -> list[str]:
    return [name for _, name in await told(redis, channel)]


async def life(redis: Redis, key: str) -> timedelta:
    return timedelta(milliseconds=await redis.pttl(key))


async def test_an_event_is_in_both_channels_at_each_ones_own_position(relay: Relay, each_redis: Redis) -> None:
    other = Channel.workflow("w2")
    await tell(relay, "a", workflow=other)
    position = (await tell(relay, "b")).position
    assert position == await relay.position(ORG_ID, WORKFLOWS)
    assert position.offset == 2
    own = await relay.position(ORG_ID, WORKFLOW)
    assert own.offset == 1
    assert own.epoch != position.epoch
    assert await told(each_redis, WORKFLOW) == [(str(own), "b")]
    assert await told(each_redis, WORKFLOWS) == [(f"{position.epoch}:1", "a"), (f"{position.epoch}:2", "b")]


async def test_both_channels_are_heard_live(relay: Relay, each_redis: Redis) -> None:
    channels = [channel_key(ORG_ID, channel) for channel in (WORKFLOWS, WORKFLOW)]
    async with each_redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(*channels)
        for _ in channels:
            await pubsub.get_message(timeout=5)
        await tell(relay, "a")
        heard = [(await pubsub.get_message(timeout=5))["channel"].decode() for _ in channels]
    assert heard == channels


async def test_a_repeat_is_in_neither_channel_twice_and_says_that_it_is_one(relay: Relay, each_redis: Redis) -> None:
    first = await tell(relay, "a")
    await tell(relay, "b")
    again = await tell(relay, "a")
    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert again.position == first.position
    assert await names(each_redis, WORKFLOWS) == await names(each_redis, WORKFLOW) == ["a", "b"]


async def test_another_content_under_the_same_guard_is_refused(relay: Relay, each_redis: Redis) -> None:
    first = await tell(relay, "a", content="c0ffee")
    with pytest.raises(AlreadyPublishedOtherwise):
        await tell(relay, "a", content="0ff1ce")
    assert (await tell(relay, "a", content="c0ffee")).position == first.position
    assert await names(each_redis, WORKFLOWS) == ["a"]


async def test_a_guard_with_a_life_of_its_own_ends_with_it_and_the_channel_goes_on(
    relay: Relay, each_redis: Redis
) -> None:
    first = (await tell(relay, "a")).position
    key = guard_key(ORG_ID, WORKFLOWS, "w1:a")
    assert timedelta(0) < await life(each_redis, key) <= GUARD_LIFE
    assert await life(each_redis, meta_key(ORG_ID, WORKFLOWS)) > GUARD_LIFE
    await each_redis.delete(key)
    assert (await tell(relay, "a")).position == Position(first.epoch, 2)


async def test_a_channel_of_a_workflow_is_forgotten_soon_after_its_history(relay: Relay, each_redis: Redis) -> None:
    await tell(relay, "a")
    stream, meta = channel_key(ORG_ID, WORKFLOW), meta_key(ORG_ID, WORKFLOW)
    longest = HISTORY_AGE + PASSING_META_OUTLIVES_HISTORY_BY
    assert timedelta(0) < await life(each_redis, stream) <= HISTORY_AGE < await life(each_redis, meta) <= longest
    await relay.position(ORG_ID, WORKFLOW)
    assert await life(each_redis, meta) > HISTORY_AGE


async def test_a_workflow_that_somebody_only_asks_for_is_forgotten_soon(relay: Relay, each_redis: Redis) -> None:
    asked = Channel.workflow("nobody-runs-this")
    before = await relay.position(ORG_ID, asked)
    assert await relay.position(ORG_ID, asked) == before
    assert timedelta(0) < await life(each_redis, meta_key(ORG_ID, asked)) <= PASSING_META_LIVES_WHEN_ASKED_FOR
    await tell(relay, "a", workflow=asked)
    assert await told(each_redis, asked) == [(f"{before.epoch}:1", "a")]


async def test_a_channel_whose_offset_was_forgotten_begins_a_new_epoch_alone(relay: Relay, each_redis: Redis) -> None:
    first = (await tell(relay, "a")).position
    own = await relay.position(ORG_ID, WORKFLOW)
    await each_redis.delete(meta_key(ORG_ID, WORKFLOW))
    assert (await tell(relay, "b")).position == Position(first.epoch, 2)
    again = await relay.position(ORG_ID, WORKFLOW)
    assert again.epoch != own.epoch
    assert await told(each_redis, WORKFLOW) == [(str(Position(again.epoch, 1)), "b")]


async def test_an_event_whose_answer_was_lost_is_found_in_place(
    relay_to: MakeRelay, each_redis_port: int, each_redis: Redis
) -> None:
    async with lossy_proxy(each_redis_port) as proxy:
        relay = relay_to(proxy.port)
        await tell(relay, "a")
        proxy.lose_next_answer_to(b"EVALSHA")
        with pytest.raises(RelayUnavailable):
            await tell(relay, "b")
        assert (await tell(relay, "b")).is_repeat
    assert await names(each_redis, WORKFLOWS) == await names(each_redis, WORKFLOW) == ["a", "b"]


async def test_racing_relays_agree_on_the_order_in_both_channels(
    relay_to: MakeRelay, each_redis_port: int, each_redis: Redis
) -> None:
    relays = [relay_to(each_redis_port) for _ in range(2)]
    await asyncio.gather(*(tell(relay, str(number)) for number in range(100) for relay in relays))
    order = await names(each_redis, WORKFLOWS)
    assert sorted(order, key=int) == [str(number) for number in range(100)]
    assert await names(each_redis, WORKFLOW) == order
