"""Committed, then relayed: each message once and in order, with the echo for who waits, whatever is lost between."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from callboard_contracts.channels import Channel
from callboard_contracts.events import Origin
from callboard_contracts.keys import guard_key, meta_key
from callboard_contracts.rooms import RoomCreate
from callboard_servicekit.database import Database
from callboard_servicekit.relay.relay import Relay, RelayUnavailable
from callboard_social.rooms.clock import utc_now
from callboard_social.rooms.messages import MessageRepository
from callboard_social.rooms.relay import SUBJECT, MessageRelay
from callboard_social.rooms.room import Message, RoomKey
from callboard_social.rooms.service import Rooms
from callboard_social.rooms.speaking import Draft, store_message
from callboard_social.rooms.storage import Storage
from callboard_testkit.lossy_proxy import lossy_proxy
from callboard_testkit.redis_server import RedisServer
from redis.asyncio import Redis

from .rooms_under_test import ORGANIZATION, chats, contents, identity

DEN = Channel.room("den")
KEY = RoomKey(ORGANIZATION, "den")
ADA = identity("ada")

StartRooms = Callable[[str], AbstractAsyncContextManager[Rooms]]


def relay_of(redis_url: str) -> Relay:
    return Relay(redis_url, history_length=1_000, history_age=timedelta(hours=1))


@pytest.fixture
def start_rooms(migrated_url: str) -> StartRooms:
    """Rooms on a Redis, with a database that they share."""

    @asynccontextmanager
    async def start(redis_url: str) -> AsyncIterator[Rooms]:
        database, relay = Database(migrated_url), relay_of(redis_url)
        yield Rooms(database, relay)
        await relay.close()
        await database.close()

    return start


@pytest.fixture
async def rooms(start_rooms: StartRooms, redis_url: str) -> AsyncIterator[Rooms]:
    async with start_rooms(redis_url) as rooms:
        await rooms.create(ADA, RoomCreate(id="den", name="Den"))
        yield rooms


def origin(request: int, connection: str = "ada-1") -> Origin:
    return Origin(connection=connection, request=request)


async def commit_and_crash(database: Database, content: str, waiting: Origin | None = None) -> Message:
    """What a replica leaves behind that dies between commit and publish."""
    async with database.write() as unit:
        stored = await store_message(unit, ADA, KEY, Draft.of(content, content, {}, waiting), utc_now())
    return stored.message


async def echoes(redis: Redis) -> list[tuple[str, Any]]:
    """What was told, and the request whose connection gets it as its echo."""
    return [(event["data"]["content"], event.get("origin", {}).get("request")) for event in await chats(redis, DEN)]


async def test_the_connection_that_says_it_gets_the_echo_through_the_room(rooms: Rooms, redis: Redis) -> None:
    said = await rooms.say(ADA, "den", "hello", origin=origin(7))
    assert (said.is_echoed, said.is_repeat) == (True, False)
    (event,) = await chats(redis, DEN)
    assert (event["origin"], event["position"]) == ({"connection": "ada-1", "request": 7}, str(said.position))


async def test_a_repeat_of_what_is_out_is_answered_and_not_told_again(rooms: Rooms, redis: Redis) -> None:
    first = await rooms.say(ADA, "den", "hello", client_id="c-1", origin=origin(1))
    again = await rooms.say(ADA, "den", "hello", client_id="c-1", origin=origin(2, "ada-2"))
    assert (again.is_echoed, again.is_repeat, again.message.id) == (False, True, first.message.id)
    assert again.position == first.position
    assert await echoes(redis) == [("hello", 1)]


async def test_what_a_dead_replica_left_is_told_before_the_next_message_and_to_who_waits(
    rooms: Rooms, database: Database, redis: Redis
) -> None:
    await rooms.say(ADA, "den", "first")
    for number in range(1, 46):
        await commit_and_crash(database, f"left {number}", origin(number))
    said = await rooms.say(ADA, "den", "last", origin=origin(99))

    assert await echoes(redis) == [("first", None), *((f"left {n}", n) for n in range(1, 46)), ("last", 99)]
    assert said.is_echoed


async def test_a_repeat_of_what_was_left_is_told_with_the_echo_for_the_repeat(
    rooms: Rooms, database: Database, redis: Redis
) -> None:
    for number in (1, 2):
        await commit_and_crash(database, f"left {number}", origin(number))
    said = await rooms.say(ADA, "den", "left 2", client_id="left 2", origin=origin(9, "ada-2"))

    assert (said.is_echoed, said.is_repeat) == (True, True)
    assert await echoes(redis) == [("left 1", 1), ("left 2", 9)]
    assert (await chats(redis, DEN))[-1]["origin"]["connection"] == "ada-2"


async def test_what_another_replica_has_told_meanwhile_is_not_told_again(
    rooms: Rooms, database: Database, redis: Redis, redis_url: str
) -> None:
    slow = await commit_and_crash(database, "slow", origin(1))
    other = await rooms.say(ADA, "den", "quick", origin=origin(2, "ada-2"))
    relay = relay_of(redis_url)
    relayed = await MessageRelay(Storage(database), relay).relay(slow)
    await relay.close()

    assert (relayed.is_own, relayed.position) == (False, other.position)
    assert await echoes(redis) == [("slow", 1), ("quick", 2)]


async def test_a_lost_reply_neither_doubles_nor_loses_a_message(
    start_rooms: StartRooms, rooms: Rooms, redis: Redis, redis_url: str
) -> None:
    async with (
        lossy_proxy(int(redis_url.rpartition(":")[2].partition("/")[0])) as proxy,
        start_rooms(proxy.redis_url) as lossy,
    ):
        await lossy.say(ADA, "den", "warm")
        proxy.lose_next_answer_to(b"EVALSHA")
        with pytest.raises(RelayUnavailable):
            await lossy.say(ADA, "den", "hello", client_id="c-1", origin=origin(1))
        assert proxy.lost == 1
        again = await lossy.say(ADA, "den", "hello", client_id="c-1", origin=origin(2))
        assert (again.is_repeat, again.is_echoed) == (True, False)
        await lossy.say(ADA, "den", "next")
    assert await echoes(redis) == [("warm", None), ("hello", 1), ("next", None)]


async def test_a_redis_that_lost_everything_goes_on_from_what_is_left(
    rooms: Rooms, database: Database, redis: Redis
) -> None:
    before = await rooms.say(ADA, "den", "before")
    await redis.flushall()
    await commit_and_crash(database, "left")
    after = await rooms.say(ADA, "den", "after")

    assert await contents(redis, DEN) == ["left", "after"]
    assert before.position.epoch != after.position.epoch
    assert [message.content for message in (await rooms.history(ADA, "den", None, 10)).messages] == [
        "after",
        "left",
        "before",
    ]


@pytest.mark.parametrize("left", [0, 2])
async def test_what_redis_misses_and_was_told_before_does_not_stop_a_room(
    rooms: Rooms, database: Database, redis: Redis, left: int
) -> None:
    for number in range(1, 5):
        await rooms.say(ADA, "den", f"told {number}")
    # As if what came after the second had been relayed to a Redis that lost it.
    epoch = await redis.hget(meta_key(ORGANIZATION, DEN), "epoch")
    assert isinstance(epoch, bytes)
    await redis.set(guard_key(ORGANIZATION, DEN, SUBJECT), f"{epoch.decode()}:2:2")
    for number in range(left):
        await commit_and_crash(database, f"left {number}")
    await rooms.say(ADA, "den", "on")
    await rooms.say(ADA, "den", "and on")

    told = [f"told {n}" for n in range(1, 5)] + [f"left {n}" for n in range(left)] + ["on", "and on"]
    assert await contents(redis, DEN) == told


async def test_what_nobody_sends_again_is_told_a_little_later(
    rooms: Rooms, database: Database, redis: Redis, redis_url: str
) -> None:
    relay = relay_of(redis_url)
    await rooms.say(ADA, "general", "told")
    for number in range(1, 4):
        await commit_and_crash(database, f"left {number}", origin(number))
    eve = identity("eve", organization_id="org-2")
    await rooms.create(eve, RoomCreate(id="den", name="Den"))
    for number in range(1, 4):
        await rooms.say(eve, "den", f"elsewhere {number}")
    async with database.read() as unit:
        left = await MessageRepository(unit).left_behind(utc_now() + timedelta(minutes=1), 10)
    assert [(message.room.organization_id, message.content) for message in left] == [(ORGANIZATION, "left 3")]
    await Rooms(database, relay).upkeep.relay_messages()
    assert await chats(redis, DEN) == []

    later = Rooms(database, relay, lambda: utc_now() + timedelta(minutes=1)).upkeep
    for _ in range(2):
        await later.relay_messages()
    assert await echoes(redis) == [(f"left {number}", number) for number in range(1, 4)]
    assert await contents(redis) == ["told"]
    await rooms.say(ADA, "den", "next")
    assert (await contents(redis, DEN))[-1] == "next"
    await relay.close()


@pytest.mark.clause("ROOM-6")
async def test_without_redis_a_message_is_kept_and_told_by_its_repeat(
    start_rooms: StartRooms, own_redis: RedisServer
) -> None:
    async with start_rooms(own_redis.url) as rooms:
        await rooms.create(ADA, RoomCreate(id="den", name="Den"))
        await rooms.say(ADA, "den", "before")
        own_redis.stop()
        for request in (1, 2):
            with pytest.raises(RelayUnavailable):
                await rooms.say(ADA, "den", "hello", client_id="c-1", origin=origin(request))
        own_redis.start()
        said = await rooms.say(ADA, "den", "hello", client_id="c-1", origin=origin(3))
        assert (said.is_echoed, said.message.sequence) == (True, 2)
        async with Redis.from_url(own_redis.url) as redis:
            # The history of a Redis that is gone is dropped, and its epoch with it.
            assert await echoes(redis) == [("hello", 3)]
        page = await rooms.history(ADA, "den", None, 10)
        assert [message.content for message in page.messages] == ["hello", "before"]
