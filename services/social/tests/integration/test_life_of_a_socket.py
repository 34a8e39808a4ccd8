"""A socket lives as long as what let it in."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from callboard_testkit.native_client import open_socket
from callboard_testkit.running import publish_revocation
from callboard_testkit.social_under_test import SocialUnderTest
from redis.asyncio import Redis

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]


@pytest.mark.clause("WS-AUTH-10")
async def test_an_identity_without_a_session_is_warned_when_its_token_expires(social: SocialUnderTest) -> None:
    expiry = int(time.time()) + 3
    async with social.client(sid=None, exp=expiry) as client:
        assert client.connected["expiresAt"] is not None
        assert await client.receive() == {"type": "expiring"}
        assert time.time() >= expiry


@pytest.mark.clause("WS-AUTH-10")
async def test_with_token_lifetime_every_socket_ends_when_its_token_does(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, socket_lifetime="token") as social:
        expiry = int(time.time()) + 3
        async with social.client(exp=expiry) as client:
            assert await client.closed() == (4001, "identity expired")
        assert expiry <= time.time() < expiry + 5


@pytest.mark.clause("WS-AUTH-9")
async def test_a_socket_outlives_its_token_while_its_session_lives(social: SocialUnderTest) -> None:
    async with (
        social.client(exp=int(time.time()) + 2) as client,
        social.client(sid=None, exp=int(time.time()) + 3) as clock,
    ):
        assert client.connected["expiresAt"] is None
        assert await clock.receive() == {"type": "expiring"}
        assert await client.hears_nothing()


@pytest.mark.clause("AUTH-11")
async def test_the_end_of_a_session_closes_its_sockets_and_no_others(social: SocialUnderTest, redis: Redis) -> None:
    async with (
        social.client(sid="ending") as one,
        social.client(sid="ending") as two,
        social.client(sid="other") as other,
    ):
        await publish_revocation(redis, kind="sid", id="ending", at=int(time.time()))
        assert await one.closed() == (4501, "session revoked")
        assert await two.closed() == (4501, "session revoked")
        assert await other.hears_nothing()


async def test_the_end_of_all_of_a_users_sessions_closes_what_was_opened_before(
    social: SocialUnderTest, redis: Redis
) -> None:
    now = int(time.time())
    async with social.client(iat=now - 10) as old, social.client(sub="user-2") as other:
        await publish_revocation(redis, kind="user", id="user-1", at=now - 5)
        assert await old.closed() == (4501, "session revoked")
        assert await other.hears_nothing()
        async with social.client(iat=now) as new:
            assert await new.hears_nothing()


@pytest.mark.clause("AUTH-11")
async def test_a_ticket_of_an_ended_session_opens_nothing(social: SocialUnderTest, redis: Redis) -> None:
    ticket = await social.ticket(sid="ending")
    async with social.client(sid="ending") as witness:
        await publish_revocation(redis, kind="sid", id="ending", at=int(time.time()))
        await witness.closed()
    async with open_socket(social.socket_url, ticket) as client:
        assert await client.closed() == (4401, "Invalid or expired token")
    async with social.http(sid="ending") as http:
        assert (await http.post("/api/socials/connect-token")).status_code == 401


async def test_nobody_is_let_in_before_revocations_are_known(start_social: StartSocial, redis_url: str) -> None:
    async with start_social(redis_url, knows_revocations=False) as social, social.http() as http:
        answer = await http.post("/api/socials/connect-token")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
