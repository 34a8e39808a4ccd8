"""Redis goes away and comes back: sockets stay, nobody is told a lie, and no ticket is burnt for nothing."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

import httpx
import pytest
from callboard_contracts.channels import LOGS
from callboard_testkit.native_client import open_socket
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.social_under_test import SocialUnderTest
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed, InvalidStatus

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]


async def restart(server: RedisServer) -> None:
    """Bring Redis back, and have auth's word on revocations in it as a running auth would."""
    server.start()
    async with Redis.from_url(server.url) as redis:
        await declare_revocations_complete(redis)


@pytest.mark.clause("WS-FRAME-9")
async def test_sockets_stay_and_are_told_that_the_bus_is_lost_and_what_they_missed(
    start_social: StartSocial, own_redis: RedisServer
) -> None:
    async with start_social(own_redis.url) as social, social.client() as client:
        await client.ask(type="subscribe", channel="logs")
        await social.publish(taskId="before")
        await client.receive()
        own_redis.stop()
        assert await client.receive() == {"type": "bus", "state": "lost"}
        own_redis.start()
        frames = [await client.receive()]
        while frames[-1]["type"] != "bus":
            frames.append(await client.receive())
        # A new incarnation has new epochs: every channel that counts offsets moved on.
        resets = {frame["channel"]: frame["position"] for frame in frames[:-1]}
        assert set(resets) == {"org", "room:general", "logs"}
        assert frames[-1] == {"type": "bus", "state": "back"}
        position = await social.publish(taskId="after")
        event = await client.receive()
        assert event["position"] == position
        assert position.split(":")[0] == resets["org"].split(":")[0]


@pytest.mark.clause("WS-AUTH-7")
async def test_an_upgrade_while_redis_is_away_is_refused_and_its_ticket_lives(
    start_social: StartSocial, own_redis: RedisServer
) -> None:
    async with start_social(own_redis.url) as social:
        ticket = await social.ticket()
        own_redis.stop()
        assert await refusal(social, ticket) == httpx.codes.SERVICE_UNAVAILABLE
        await restart(own_redis)
        await eventually(lambda: lets_in(social))
        # By now it may have run out; only a burnt one says "already used".
        async with open_socket(social.socket_url, ticket) as client:
            try:
                assert (await client.receive())["type"] == "connected"
            except ConnectionClosed:
                assert await client.closed() == (4401, "Invalid or expired token")


async def test_an_upgrade_that_a_frozen_redis_cannot_decide_is_refused(
    start_social: StartSocial, own_redis: RedisServer
) -> None:
    async with start_social(own_redis.url) as social:
        ticket = await social.ticket()
        own_redis.freeze()
        assert await refusal(social, ticket) == httpx.codes.SERVICE_UNAVAILABLE
        own_redis.thaw()
        await eventually(lambda: lets_in(social))


async def refusal(social: SocialUnderTest, ticket: str) -> int:
    """The status of a refused upgrade, which says when to come back."""
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(social.socket_url, ticket):
            pass
    assert int(refused.value.response.headers["Retry-After"]) > 0
    return refused.value.response.status_code


async def lets_in(social: SocialUnderTest) -> bool:
    with suppress(InvalidStatus, httpx.HTTPStatusError):
        async with social.client():
            return True
    return False


async def test_minting_while_redis_is_away_is_503_and_works_again_afterwards(
    start_social: StartSocial, own_redis: RedisServer
) -> None:
    async with start_social(own_redis.url) as social:
        own_redis.stop()
        async with social.http() as http:
            answer = await http.post("/api/socials/connect-token")
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) > 0
        await restart(own_redis)
        await eventually(lambda: lets_in(social))
        async with social.client() as client:
            assert (await client.ask(type="subscribe", channel=str(LOGS)))["type"] == "subscribed"
