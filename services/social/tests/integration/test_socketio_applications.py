"""What Socket.IO clients of our own applications meet when things are not as they should be."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from callboard_contracts.channels import WORKFLOWS
from callboard_social.settings import SocketLifetime
from callboard_testkit.native_client import PATIENCE_SECONDS
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import publish_revocation
from callboard_testkit.social_under_test import SocialUnderTest
from callboard_testkit.socketio_packets import PacketClient, packet_client
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed, InvalidStatus

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]
COUNT = 1_000
"""Of 16 KB each: more than the kernel's buffers and the lane take together."""


@asynccontextmanager
async def dashboard(social: SocialUnderTest, **claims: Any) -> AsyncIterator[PacketClient]:
    async with packet_client(social.url) as client:
        await client.connect({"token": social.minter.mint(**claims)})
        assert (await client.receive())[0] == "auth-success"
        yield client


async def is_open(client: PacketClient) -> bool:
    """True when the client is still heard; an event that is not known is acknowledged."""
    [answer], _ = await client.ask("still-there")
    return bool(answer["code"] == "unknown-event")


@pytest.mark.clause("SIO-AGENT-7")
async def test_without_messaging_there_are_no_agents(start_social: StartSocial, redis_url: str) -> None:
    async with (
        start_social(redis_url, messaging_enabled=False) as social,
        packet_client(social.url, "/agents") as client,
    ):
        assert await client.refused({"jwt": social.minter.mint()}) == {"message": "Invalid namespace"}


@pytest.mark.clause("SIO-8")
@pytest.mark.parametrize("path", ["/socket.io/", "/ws/"])
async def test_an_identity_that_expires_closes_the_transport(
    start_social: StartSocial, redis_url: str, path: str
) -> None:
    async with (
        start_social(redis_url, socket_lifetime=SocketLifetime.TOKEN) as social,
        packet_client(social.url, path=path) as client,
    ):
        await client.connect({"token": social.minter.mint(exp=int(time.time()) + 2)})
        assert not await client.disconnected()


@pytest.mark.clause("SIO-8")
async def test_a_client_that_does_not_read_loses_its_transport(social: SocialUnderTest) -> None:
    async with packet_client(social.url, max_queue=1) as client:
        await client.connect({"token": social.minter.mint()})
        assert (await client.receive())[0] == "auth-success"
        for number in range(COUNT):
            await social.publish(number=number, text="x" * 16_000)
        heard = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    heard.append((await client.receive())[1]["number"])
        except ConnectionClosed:
            pass
        # What it was told is without a hole; the rest comes with the snapshot when it is back.
        assert heard == list(range(len(heard)))
        assert len(heard) < COUNT


@pytest.mark.clause("SIO-9")
async def test_nothing_that_waits_is_told_after_the_end_of_the_session(redis: Redis, social: SocialUnderTest) -> None:
    async with packet_client(social.url, max_queue=1) as client:
        await client.connect({"token": social.minter.mint(sid="session-9")})
        assert (await client.receive())[0] == "auth-success"
        await publish_revocation(redis, kind="sid", id="session-9", at=int(time.time()))
        assert await client.disconnected()
        await social.publish(taskId="after")
        with pytest.raises(ConnectionClosed):
            await client.receive_packet()


@pytest.mark.clause("SIO-9")
async def test_one_session_ends_and_the_others_come_back(redis: Redis, social: SocialUnderTest) -> None:
    """Two namespaces of one connection, as two people: what waits cannot be told apart, so the transport closes."""
    async with packet_client(social.url) as client:
        await client.connect({"token": social.minter.mint(sid="session-8")})
        assert (await client.receive())[0] == "auth-success"
        await client.send_packet('0/agents,{"token":"' + social.minter.mint(sid="session-9", sub="user-9") + '"}')
        while not (await client.receive_packet()).startswith("2/agents,"):
            pass
        await publish_revocation(redis, kind="sid", id="session-9", at=int(time.time()))
        packets = []
        try:
            while True:
                packets.append(await client.receive_packet())
        except ConnectionClosed:
            pass
        assert packets[-1] == "1/agents,"
        assert "1" not in packets


@pytest.mark.clause("SIO-11")
async def test_what_may_have_been_missed_is_told(start_social: StartSocial, own_redis: RedisServer) -> None:
    async with start_social(own_redis.url) as social, dashboard(social) as client:
        await social.publish(taskId="before")
        assert (await client.receive())[0] == "execution-updated"
        own_redis.stop()
        own_redis.start()
        resets = [await client.receive(), await client.receive()]
        assert sorted(event[1]["channel"] for event in resets) == ["logs", "org"]
        assert {event[0] for event in resets} == {"reset"}
        await social.publish(taskId="after")
        assert (await client.receive())[1]["taskId"] == "after"


@pytest.mark.clause("SIO-3")
async def test_a_node_that_cannot_hear_takes_nobody_in_and_keeps_who_is_there(
    start_social: StartSocial, own_redis: RedisServer
) -> None:
    async with start_social(own_redis.url) as social, dashboard(social) as client:
        own_redis.stop()
        async with httpx.AsyncClient(base_url=social.url) as http:
            for query in ("?EIO=4&transport=polling", "?EIO=4&transport=polling&sid=unknown"):
                answer = await http.get("/socket.io/" + query)
                while answer.status_code in {200, 400}:  # it has not noticed yet
                    answer = await http.get("/socket.io/" + query)
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
                assert int(answer.headers["Retry-After"]) > 0
        with pytest.raises(InvalidStatus) as refused:
            async with packet_client(social.url):
                pass
        assert refused.value.response.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert await is_open(client)


async def test_a_namespace_that_cannot_be_decided_now_closes_the_transport(
    start_social: StartSocial, own_redis: RedisServer
) -> None:
    async with start_social(own_redis.url) as social, packet_client(social.url) as client:
        ticket = await social.ticket()
        own_redis.freeze()
        await client.send_packet('0{"token":"' + ticket + '"}')
        assert not await client.disconnected()
        own_redis.thaw()


@pytest.mark.parametrize("limit", ["connections_per_user", "connections_per_organization"])
async def test_a_user_with_too_many_connections_is_told_so(
    start_social: StartSocial, redis_url: str, limit: str
) -> None:
    async with (
        start_social(redis_url, **{limit: 1}) as social,
        dashboard(social),
        packet_client(social.url) as second,
    ):
        await second.connect({"token": social.minter.mint()})
        assert await second.receive() == ["auth-error", {"error": "Too many connections"}]
        assert await second.disconnected()


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
async def test_a_client_that_finds_no_place_may_come_back(
    start_social: StartSocial, redis_url: str, limit: str
) -> None:
    async with start_social(redis_url, **{limit: 1}) as social:
        async with packet_client(social.url) as client, dashboard(social):
            await client.send_packet('0{"token":"' + social.minter.mint() + '"}')
            assert not await client.disconnected()
        async with dashboard(social) as again:
            assert await is_open(again)


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
async def test_a_token_that_opened_the_session_takes_no_place_that_is_not_there(
    start_social: StartSocial, redis_url: str, limit: str
) -> None:
    async with start_social(redis_url, **{limit: 1}) as social:
        headers = {"Authorization": f"Bearer {social.minter.mint()}"}
        async with packet_client(social.url, additional_headers=headers) as client, dashboard(social):
            await client.send_packet("0")
            assert not await client.disconnected()


async def test_bad_tokens_from_one_address_are_limited_and_good_ones_pass(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, failed_upgrades_per_minute=1) as social:
        for is_packet in (True, False):
            async with packet_client(social.url, "/agents") as client:
                await client.send_packet('0/agents,{"jwt":"forged"}')
                if is_packet:
                    assert "Invalid or expired JWT" in await client.receive_packet()
                else:
                    assert not await client.disconnected()  # temporary: its client may come back
        async with dashboard(social) as client:
            assert await is_open(client)


async def test_agent_events_and_unposted_changes_have_their_form(social: SocialUnderTest) -> None:
    async with packet_client(social.url, path="/ws") as client, dashboard(social) as other:
        await client.connect({"token": social.minter.mint()})
        await social.publish(WORKFLOWS, type="result", workflowId="w", data={"content": "x"})
        assert (await client.receive())[1] == {"type": "result", "workflowId": "w", "data": {"content": "x"}}
        row: dict[str, Any] = {"taskId": "t", "organizationId": "org-1", "status": "LOST", "attempt": 2, "version": 3}
        await social.publish(**row, startTime=None, endTime="2026-01-01T00:00:00.000Z", createdAt="x", updatedAt="y")
        told = row | {"endTime": "2026-01-01T00:00:00.000Z"}
        assert await other.receive() == ["execution-updated", told]
