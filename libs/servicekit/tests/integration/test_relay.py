"""The script against real Redis: once, in order, whatever is repeated, lost or raced."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from callboard_contracts.channels import LOGS, ORG, Channel
from callboard_contracts.keys import channel_key, guard_key, meta_key
from callboard_contracts.positions import Position
from callboard_servicekit.relay.relay import (
    META_OUTLIVES_HISTORY_BY,
    Behind,
    Guard,
    LogPlace,
    Published,
    Relay,
    RelayUnavailable,
)
from callboard_testkit.lossy_proxy import lossy_proxy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

ORG_ID = "org-1"
STREAM = channel_key(ORG_ID, ORG)
TASK = Channel.execution("t1")

MakeRelay = Callable[..., Relay]
Event = dict[str, Any]


def body(**data: Any) -> str:
    return json.dumps({"type": "execution-updated", "at": "2026-01-01T00:00:00.000Z", "data": data})


async def events_of(redis: Redis, key: str = STREAM) -> list[tuple[str, Event]]:
    """Entry ids and events of a stream."""
    entries: Any = await redis.xrange(key)
    return [(entry_id.decode(), json.loads(fields[b"e"])) for entry_id, fields in entries]


async def versions_of(redis: Redis, subject: str) -> list[int]:
    """The versions of one subject in the channel, in its order."""
    data = [event["data"] for _, event in await events_of(redis)]
    return [fields["version"] for fields in data if fields["subject"] == subject]


async def publish(
    relay: Relay, version: int, *, subject: str = "e:t1", is_base: bool = False, channel: Channel = ORG
) -> Published | Behind:
    guard = Guard(subject, version, is_base=is_base)
    return await relay.publish(ORG_ID, channel, body(subject=subject, version=version), guard=guard)


async def publish_log(relay: Relay, sequence: int, attempt: int, last_line: int) -> Published | Behind:
    return await relay.publish(
        ORG_ID,
        LOGS,
        body(lastLine=last_line),
        guard=Guard("l:t1", sequence),
        log=LogPlace(TASK, attempt, last_line),
    )


def position_of(outcome: Published | Behind) -> Position:
    assert isinstance(outcome, Published)
    return outcome.position


async def test_an_event_gets_the_next_position_and_is_kept_as_it_was_heard(relay: Relay, each_redis: Redis) -> None:
    async with each_redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(STREAM)
        await pubsub.get_message(timeout=5)
        first = position_of(await publish(relay, 1))
        second = position_of(await publish(relay, 2))
        heard = [(await pubsub.get_message(timeout=5))["data"] for _ in range(2)]
    assert (first.offset, second) == (1, Position(first.epoch, 2))
    entries: Any = await each_redis.xrange(STREAM)
    assert [entry_id for entry_id, _ in entries] == [b"1-0", b"2-0"]
    assert [fields[b"e"] for _, fields in entries] == heard
    assert json.loads(heard[0]) == {
        "v": 1,
        "position": str(first),
        "type": "execution-updated",
        "at": "2026-01-01T00:00:00.000Z",
        "data": {"subject": "e:t1", "version": 1},
    }


async def test_what_an_event_holds_goes_through_byte_by_byte(relay: Relay, each_redis: Redis) -> None:
    data = {"big": 2**63 + 1, "empty": [], "none": {}, "text": '"\\\u2028\U0001f600é%s{}'}
    await relay.publish(ORG_ID, ORG, json.dumps({"type": "t", "at": "", "data": data}, ensure_ascii=False))
    ((_, event),) = await events_of(each_redis)
    assert event["data"] == data


async def test_a_repeat_is_a_no_op_with_the_position_of_the_last(relay: Relay, each_redis: Redis) -> None:
    first = await publish(relay, 1)
    assert await publish(relay, 1) == first
    second = await publish(relay, 2)
    assert await publish(relay, 1) == await publish(relay, 2) == second
    assert await publish(relay, 2, is_base=True) == second
    assert await versions_of(each_redis, "e:t1") == [1, 2]


async def test_a_gap_is_answered_with_the_last_that_is_known_and_changes_nothing(
    relay: Relay, each_redis: Redis
) -> None:
    assert await publish(relay, 2) == Behind(0)
    await publish(relay, 1)
    assert await publish(relay, 3) == Behind(1)
    assert await versions_of(each_redis, "e:t1") == [1]
    assert (await relay.position(ORG_ID, ORG)).offset == 1


async def test_a_base_goes_on_from_where_the_caller_knows_to_be(relay: Relay, each_redis: Redis) -> None:
    assert position_of(await publish(relay, 5, is_base=True)).offset == 1
    assert await publish(relay, 7) == Behind(5)
    await publish(relay, 6)
    assert await versions_of(each_redis, "e:t1") == [5, 6]


async def test_subjects_channels_and_organisations_have_guards_of_their_own(relay: Relay, each_redis: Redis) -> None:
    await publish(relay, 1)
    assert await publish(relay, 2, subject="e:t2") == Behind(0)
    assert await publish(relay, 2, channel=LOGS) == Behind(0)
    elsewhere = await relay.publish("org-2", ORG, body(), guard=Guard("e:t1", 1))
    assert position_of(elsewhere).offset == 1
    assert len(await events_of(each_redis)) == 1


async def test_an_unguarded_event_is_published_every_time(relay: Relay, each_redis: Redis) -> None:
    positions = [position_of(await relay.publish(ORG_ID, ORG, body(n=n))).offset for n in (1, 1)]
    assert positions == [1, 2]
    assert await each_redis.keys(guard_key(ORG_ID, ORG, "*")) == []


async def test_a_channel_has_a_position_before_its_first_event(relay: Relay, each_redis: Redis) -> None:
    before = await relay.position(ORG_ID, ORG)
    assert before.offset == 0
    assert await relay.position(ORG_ID, ORG) == before
    assert position_of(await publish(relay, 1)) == Position(before.epoch, 1)
    assert await relay.position(ORG_ID, ORG) == Position(before.epoch, 1)
    assert len(await events_of(each_redis)) == 1


async def test_offset_epoch_and_guard_outlive_the_history(relay: Relay, each_redis: Redis) -> None:
    await publish(relay, 1)
    await publish_log(relay, 1, 1, 10)
    hour = int(timedelta(hours=1).total_seconds() * 1000)
    longer = hour + int(META_OUTLIVES_HISTORY_BY.total_seconds() * 1000)
    for key in (STREAM, channel_key(ORG_ID, LOGS), channel_key(ORG_ID, TASK)):
        assert 0 < await each_redis.pttl(key) <= hour
    for key in (meta_key(ORG_ID, ORG), guard_key(ORG_ID, ORG, "e:t1"), guard_key(ORG_ID, LOGS, "l:t1")):
        assert hour < await each_redis.pttl(key) <= longer


async def test_every_key_has_a_life(relay: Relay, each_redis: Redis) -> None:
    await relay.position(ORG_ID, Channel.room("general"))
    await publish(relay, 1)
    await publish_log(relay, 1, 1, 10)
    for key in await each_redis.keys("*"):
        assert await each_redis.pttl(key) > 0


async def test_a_forgotten_guard_goes_on_from_a_base_in_the_same_epoch(relay: Relay, each_redis: Redis) -> None:
    first = position_of(await publish(relay, 1))
    await each_redis.delete(guard_key(ORG_ID, ORG, "e:t1"))
    assert await publish(relay, 2) == Behind(0)
    assert position_of(await publish(relay, 2, is_base=True)) == Position(first.epoch, 2)


async def test_a_channel_without_its_offset_starts_a_new_epoch(relay: Relay, each_redis: Redis) -> None:
    first = position_of(await publish(relay, 1))
    await each_redis.delete(meta_key(ORG_ID, ORG))
    assert await publish(relay, 2) == Behind(0)
    again = position_of(await publish(relay, 2, is_base=True))
    assert again.epoch != first.epoch
    assert again.offset == 1
    assert await versions_of(each_redis, "e:t1") == [2]


async def test_history_is_bounded_and_never_shorter_than_its_bound(
    relay_to: MakeRelay, each_redis_port: int, each_redis: Redis
) -> None:
    relay = relay_to(each_redis_port, history_length=10)
    for number in range(1, 301):
        await relay.publish(ORG_ID, ORG, body(n=number))
    kept = [event["data"]["n"] for _, event in await events_of(each_redis)]
    assert 10 <= len(kept) <= 200
    assert kept == list(range(301 - len(kept), 301))


async def test_log_lines_go_into_both_channels_at_their_places(relay: Relay, each_redis: Redis) -> None:
    for sequence, attempt, last_line in ((1, 1, 5), (2, 1, 9), (3, 2, 3)):
        await publish_log(relay, sequence, attempt, last_line)
    own = await events_of(each_redis, channel_key(ORG_ID, TASK))
    assert [(entry_id, event["position"]) for entry_id, event in own] == [
        ("1-5", "1:5"),
        ("1-9", "1:9"),
        ("2-3", "2:3"),
    ]
    shared = await events_of(each_redis, channel_key(ORG_ID, LOGS))
    assert [event["position"].split(":")[1] for _, event in shared] == ["1", "2", "3"]
    assert [event["data"] for _, event in own] == [event["data"] for _, event in shared]


async def test_a_repeated_chunk_is_in_neither_channel_twice(relay: Relay, each_redis: Redis) -> None:
    assert await publish_log(relay, 1, 1, 5) == await publish_log(relay, 1, 1, 5)
    assert len(await events_of(each_redis, channel_key(ORG_ID, TASK))) == 1
    assert len(await events_of(each_redis, channel_key(ORG_ID, LOGS))) == 1


async def test_lines_that_may_not_follow_what_is_there_start_the_execution_s_channel_anew(
    relay: Relay, each_redis: Redis
) -> None:
    await publish_log(relay, 1, 1, 5)
    await each_redis.delete(guard_key(ORG_ID, LOGS, "l:t1"))
    guard = Guard("l:t1", 3, is_base=True)
    await relay.publish(ORG_ID, LOGS, body(lastLine=12), guard=guard, log=LogPlace(TASK, 1, 12))
    own = await events_of(each_redis, channel_key(ORG_ID, TASK))
    assert [event["position"] for _, event in own] == ["1:12"]


async def test_lines_out_of_their_place_leave_no_hole_in_any_channel(relay: Relay, each_redis: Redis) -> None:
    await publish_log(relay, 1, 1, 9)
    with pytest.raises(RelayUnavailable):
        await publish_log(relay, 2, 1, 5)
    assert (await relay.position(ORG_ID, LOGS)).offset == 1
    assert position_of(await publish_log(relay, 2, 1, 10)).offset == 2
    assert [entry_id for entry_id, _ in await events_of(each_redis, channel_key(ORG_ID, LOGS))] == ["1-0", "2-0"]


async def test_an_answer_that_was_lost_is_an_error_and_the_next_try_finds_the_event_in_place(
    relay_to: MakeRelay, each_redis_port: int, each_redis: Redis
) -> None:
    async with lossy_proxy(each_redis_port) as proxy:
        relay = relay_to(proxy.port)
        await publish(relay, 1)
        proxy.lose_next_answer_to(b"EVALSHA")
        with pytest.raises(RelayUnavailable):
            await publish(relay, 2)
        assert proxy.lost == 1
        assert await versions_of(each_redis, "e:t1") == [1, 2]
        assert position_of(await publish(relay, 2)).offset == 2
        assert await versions_of(each_redis, "e:t1") == [1, 2]


async def test_an_event_without_a_guard_is_never_sent_twice_by_itself(
    relay_to: MakeRelay, each_redis_port: int, each_redis: Redis
) -> None:
    async with lossy_proxy(each_redis_port) as proxy:
        relay = relay_to(proxy.port)
        await relay.position(ORG_ID, ORG)
        proxy.lose_next_answer_to(b"EVALSHA")
        with pytest.raises(RelayUnavailable):
            await relay.publish(ORG_ID, ORG, body())
    assert len(await events_of(each_redis)) == 1


async def test_calls_at_once_share_a_bounded_pool_and_keep_their_own_answers(relay: Relay, each_redis: Redis) -> None:
    outcomes = await asyncio.gather(*(publish(relay, 1, subject=f"e:{n}") for n in range(200)))
    assert sorted(position_of(outcome).offset for outcome in outcomes) == list(range(1, 201))
    for number, outcome in enumerate(outcomes):
        assert await publish(relay, 1, subject=f"e:{number}") == outcome
    assert int((await each_redis.info("clients"))["connected_clients"]) < 60


class Worker:
    """Publishes versions as a producer does: out of order, again and again, from its outbox when behind."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def bring_out(self, subject: str, version: int) -> None:
        outcome = await publish(self._relay, version, subject=subject)
        if isinstance(outcome, Behind):
            for missing in range(outcome.last_sequence + 1, version + 1):
                is_base = missing == 1
                assert isinstance(await publish(self._relay, missing, subject=subject, is_base=is_base), Published)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    posts=st.lists(st.tuples(st.sampled_from(["e:a", "e:b", "e:c"]), st.integers(1, 8)), min_size=1, max_size=40),
    seed=st.integers(0, 2**32),
)
def test_two_relays_racing_bring_every_version_out_once_and_in_order(
    redis_url: str, posts: list[tuple[str, int]], seed: int
) -> None:
    asyncio.run(race(redis_url, posts, random.Random(seed)))


async def race(redis_url: str, posts: list[tuple[str, int]], chance: random.Random) -> None:
    """Two producers bring out the same posts, each in an order of its own, several at a time."""
    relays = [Relay(redis_url, history_length=1_000, history_age=timedelta(hours=1)) for _ in range(2)]
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
        await asyncio.gather(
            *(
                Worker(relay).bring_out(subject, version)
                for relay in relays
                for subject, version in chance.sample(posts, len(posts))
            )
        )
        highest: dict[str, int] = defaultdict(int)
        for subject, version in posts:
            highest[subject] = max(highest[subject], version)
        for subject, last in highest.items():
            assert await versions_of(redis, subject) == list(range(1, last + 1))
        offsets = [int(entry_id.split("-")[0]) for entry_id, _ in await events_of(redis)]
        assert offsets == list(range(1, sum(highest.values()) + 1))
    for relay in relays:
        await relay.close()
