"""Redis restarts, empty, from an old snapshot or with all its data, freezes and goes away."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from callboard_contracts.channels import ORG
from callboard_contracts.keys import channel_key
from callboard_contracts.positions import Position
from callboard_servicekit import redis_connection
from callboard_servicekit.relay.relay import Behind, Guard, Published, Relay, RelayUnavailable
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis
from redis.exceptions import RedisError

MakeRelay = Callable[..., Relay]
MakeRedis = Callable[..., RedisServer]


async def publish(relay: Relay, version: int, *, is_base: bool = False) -> Published | Behind:
    body = json.dumps({"type": "t", "at": "", "data": {"version": version}})
    return await relay.publish("org-1", ORG, body, guard=Guard("e:t1", version, is_base=is_base))


async def position_of(relay: Relay, version: int, *, is_base: bool = False) -> Position:
    outcome = await publish(relay, version, is_base=is_base)
    assert isinstance(outcome, Published)
    return outcome.position


async def when_back(relay: Relay) -> None:
    """Wait until Redis has loaded its data and answers."""

    async def answers() -> bool:
        with suppress(RelayUnavailable):
            await relay.position("org-1", ORG)
            return True
        return False

    await eventually(answers)


async def versions(server: RedisServer) -> list[int]:
    async with Redis.from_url(server.url) as redis:
        entries: Any = await redis.xrange(channel_key("org-1", ORG))
    return [json.loads(fields[b"e"])["data"]["version"] for _, fields in entries]


async def save(server: RedisServer) -> None:
    async with Redis.from_url(server.url) as redis:
        await redis.save()


@pytest.mark.parametrize("memory", ["empty", "old snapshot", "everything"])
async def test_after_a_restart_there_is_a_new_epoch_whatever_redis_remembers(
    relay_to: MakeRelay, make_redis: MakeRedis, memory: str
) -> None:
    server = make_redis(append_only=memory == "everything")
    server.start()
    relay = relay_to(server.port)
    first = await position_of(relay, 1)
    if memory == "old snapshot":
        await save(server)
    for version in range(2, 6):
        await position_of(relay, version)
    server.stop()
    with pytest.raises(RelayUnavailable):
        await publish(relay, 6)
    server.start()
    await when_back(relay)
    standing = await relay.position("org-1", ORG)
    assert standing.epoch != first.epoch
    assert standing.offset == 0
    assert await versions(server) == []
    # A guard of an earlier epoch is as good as none: what it says was out is not in this channel.
    assert await publish(relay, 6) == Behind(0)
    assert await position_of(relay, 6, is_base=True) == Position(standing.epoch, 1)
    assert await position_of(relay, 7) == Position(standing.epoch, 2)
    assert await versions(server) == [6, 7]


async def test_two_connections_of_one_incarnation_never_start_an_epoch_against_each_other(
    relay_to: MakeRelay, make_redis: MakeRedis
) -> None:
    server = make_redis(append_only=True)
    server.start()
    relays = [relay_to(server.port) for _ in range(2)]
    for _ in range(2):
        epochs = set()
        for version in range(1, 6):
            epochs.add((await position_of(relays[version % 2], version)).epoch)
        assert len(epochs) == 1
        server.stop()
        server.start()
        for relay in relays:
            await when_back(relay)


async def test_a_redis_that_is_away_is_unavailable_and_readiness_says_so(
    relay_to: MakeRelay, make_redis: MakeRedis
) -> None:
    server = make_redis(append_only=True)
    server.start()
    relay = relay_to(server.port)
    await relay.check()
    server.stop()
    with pytest.raises(RelayUnavailable) as unavailable:
        await publish(relay, 1)
    assert unavailable.value.code == "relay-unavailable"
    assert int(unavailable.value.headers["Retry-After"]) > 0
    with pytest.raises((RedisError, OSError)):
        await relay.check()
    server.start()
    await when_back(relay)
    await relay.check()
    assert (await position_of(relay, 1)).offset == 1


async def test_a_redis_that_hangs_is_unavailable_after_the_time_out(
    relay_to: MakeRelay, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_connection, "TIMEOUT_SECONDS", 0.2)
    relay = relay_to(own_redis.port)
    await position_of(relay, 1)
    own_redis.freeze()
    with pytest.raises(RelayUnavailable):
        await publish(relay, 2)
    own_redis.thaw()
    await when_back(relay)
    assert (await position_of(relay, 2)).offset == 2


async def test_a_call_that_was_given_up_leaves_no_answer_to_the_next_one(
    relay_to: MakeRelay, own_redis: RedisServer
) -> None:
    relay = relay_to(own_redis.port)
    first = await position_of(relay, 1)
    own_redis.freeze()
    calls: list[asyncio.Task[object]] = [
        asyncio.create_task(publish(relay, 2)),
        asyncio.create_task(relay.check()),
    ]
    done, _ = await asyncio.wait(calls, timeout=0.1)
    assert not done
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    own_redis.thaw()
    for version in (2, 3, 4):
        assert await position_of(relay, version) == Position(first.epoch, version)
    await relay.check()
    assert await versions(own_redis) == [1, 2, 3, 4]


async def test_a_script_that_redis_has_forgotten_is_sent_again(relay_to: MakeRelay, own_redis: RedisServer) -> None:
    relay = relay_to(own_redis.port)
    await position_of(relay, 1)
    async with Redis.from_url(own_redis.url) as redis:
        await redis.script_flush()
    assert (await position_of(relay, 2)).offset == 2


async def test_a_redis_without_memory_takes_nothing_more_and_loses_nothing(
    relay_to: MakeRelay, make_redis: MakeRedis
) -> None:
    server = make_redis(append_only=True)
    server.start()
    relay = relay_to(server.port)
    first = await position_of(relay, 1)
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("maxmemory", "1")
        with pytest.raises(RelayUnavailable):
            await publish(relay, 2)
        assert await relay.position("org-1", ORG) == await position_of(relay, 1) == first
        await redis.config_set("maxmemory", "0")
    assert await position_of(relay, 2) == Position(first.epoch, 2)
    assert await versions(server) == [1, 2]
