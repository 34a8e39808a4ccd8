"""What rooms need goes away and comes back: 503 meanwhile, nobody is let in by mistake, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from callboard_contracts.channels import Channel
from callboard_contracts.identity import Role
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.migrations import migrate
from callboard_social.migrations import SCRIPTS
from callboard_testkit.postgres_server import PostgresServer
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

from .conftest import MakeSettings
from .rooms_under_test import (
    PATH,
    RoomsUnderTest,
    code_of,
    contents,
    create,
    give_role,
    history,
    identity,
    running_rooms,
    say,
)

ADA = identity("ada")


def code_of_outage(answer: httpx.Response) -> str:
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert int(answer.headers["retry-after"]) > 0
    return code_of(answer)


async def answers_again(client: httpx.AsyncClient) -> bool:
    return (await client.get(f"{PATH}/den/messages")).status_code == httpx.codes.OK


@pytest.fixture
async def without_database(
    make_settings: MakeSettings, own_postgres: PostgresServer, redis_url: str, minter: TokenMinter
) -> AsyncIterator[RoomsUnderTest]:
    """Rooms whose database has just gone, with one message in one of them."""
    database_url = await own_postgres.create_database()
    await asyncio.to_thread(migrate, database_url, "social", SCRIPTS)
    async with running_rooms(make_settings(database_url, redis_url), minter) as social:
        async with social.client() as ada:
            await create(ada)
            await say(ada, "before")
        own_postgres.stop()
        yield social


@pytest.mark.clause("HTTP-7")
async def test_without_the_database_every_call_is_503_and_afterwards_all_is_there(
    without_database: RoomsUnderTest, own_postgres: PostgresServer, redis: Redis
) -> None:
    async with without_database.client() as ada:
        for answer in (
            await ada.get(PATH),
            await ada.post(PATH, json={"name": "Other"}),
            await ada.get(f"{PATH}/den/members"),
            await give_role(ada, "bob", "member"),
            await ada.delete(f"{PATH}/den/members/bob"),
            await ada.post(f"{PATH}/den/join"),
            await ada.post(f"{PATH}/den/leave"),
            await ada.get(f"{PATH}/den/messages"),
            await say(ada, "during"),
            await say(ada, "during", "general"),
        ):
            assert code_of_outage(answer) == "unavailable"
        assert await without_database.failing() == ["database"]

        own_postgres.start()
        await eventually(lambda: answers_again(ada))
        assert await history(ada) == ["before"]
        await say(ada, "after")
    assert await contents(redis, Channel.room("den")) == ["before", "after"]


async def test_without_the_database_nobody_is_taken_for_a_member(without_database: RoomsUnderTest) -> None:
    rooms = without_database.node.rooms
    for call in (
        lambda: rooms.role_in(ADA, "den"),
        lambda: rooms.require_member(ADA, "den"),
        lambda: rooms.rooms_of(ADA),
        lambda: rooms.say(ADA, "den", "hello"),
        lambda: rooms.history(ADA, "den", None, 10),
    ):
        with pytest.raises(Unavailable):
            await call()
    # Of general the organisation says who is in it.
    assert await rooms.role_in(identity("bob", Role.VIEWER), "general") == "viewer"


@pytest.mark.clause("ROOM-6")
@pytest.mark.clause("HTTP-7")
async def test_without_redis_what_is_said_is_kept_and_told_once_it_is_back(
    make_settings: MakeSettings, migrated_url: str, own_redis: RedisServer, minter: TokenMinter
) -> None:
    async with running_rooms(make_settings(migrated_url, own_redis.url), minter) as social, social.client() as ada:
        await create(ada)
        await say(ada, "before")
        own_redis.stop()
        for _ in range(2):
            assert code_of_outage(await say(ada, "during", clientId="c-1")) == "relay-unavailable"
        assert code_of_outage(await ada.get(f"{PATH}/den/messages")) == "relay-unavailable"
        assert code_of_outage(await give_role(ada, "bob", "member")) == "relay-unavailable"
        own_redis.start()
        async with Redis.from_url(own_redis.url) as redis:
            await declare_revocations_complete(redis)
            await eventually(lambda: answers_again(ada))
            assert await history(ada) == ["during", "before"]
            answer = await say(ada, "during", clientId="c-1")
            assert (answer.status_code, answer.json()["sequence"]) == (httpx.codes.OK, 2)
            await say(ada, "after")
            assert await contents(redis, Channel.room("den")) == ["during", "after"]
