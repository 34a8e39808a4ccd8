"""Presence as native clients see it, on two real replicas with the times that people have."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from callboard_contracts.channels import PRESENCE
from callboard_contracts.keys import presence_key
from callboard_testkit.social_under_test import SocialUnderTest
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]


@pytest.fixture
async def other(start_social: StartSocial, redis_url: str) -> AsyncIterator[SocialUnderTest]:
    async with start_social(redis_url) as social:
        yield social


async def test_a_subscriber_is_told_who_is_here_and_who_comes_and_goes(
    social: SocialUnderTest, other: SocialUnderTest, redis: Redis
) -> None:
    async with social.client(sub="ada", login="ada") as ada, other.client(sub="bob", login="bob"):
        await ada.ask(type="subscribe", channel="presence")
        event = await ada.receive()
        assert (event["type"], event["channel"]) == ("presence:update", "presence")
        assert event["data"]["users"] == [{"userId": "bob", "login": "bob", "status": "online"}]
        async with other.client(sub="eve", login="eve") as eve:
            assert (await ada.receive())["data"]["users"] == [{"userId": "eve", "login": "eve", "status": "online"}]
            answer = await eve.ask(type="presence:list", id="p")
            assert [user["login"] for user in answer["users"]] == ["ada", "bob", "eve"]
        assert (await ada.receive())["data"]["users"] == [{"userId": "eve", "login": "eve", "status": "offline"}]
        async with social.http(sub="ada") as http:
            listed = (await http.get("/api/socials/presence")).json()
        assert [user["userId"] for user in listed["users"]] == ["ada", "bob"]


async def test_when_a_replica_stops_its_users_have_fifteen_seconds_to_be_on_another(
    start_social: StartSocial, redis: Redis, redis_url: str
) -> None:
    async def run_out_within(seconds: int) -> int:
        """How many entries do."""
        now, _ = await redis.time()
        return int(await redis.zcount(presence_key("org-1", PRESENCE), (now + 1) * 1000, (now + seconds) * 1000))

    async def is_written() -> bool:
        return await run_out_within(61) == 1

    async with AsyncExitStack() as clients:
        async with start_social(redis_url) as stopping:
            await clients.enter_async_context(stopping.client(sub="bob"))
            await eventually(is_written)
            assert await run_out_within(16) == 0
        assert await run_out_within(16) == 1
