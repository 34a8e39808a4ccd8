"""Limits that keep one client from taking what others need."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import httpx
import pytest
from callboard_testkit.native_client import open_socket
from callboard_testkit.social_under_test import SocialUnderTest
from websockets.exceptions import ConnectionClosed, InvalidStatus

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]


@pytest.mark.clause("WS-AUTH-8")
async def test_one_socket_too_many_of_a_user_is_closed_and_another_user_is_not(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, connections_per_user=2) as social:
        async with social.client(), social.client():
            async with open_socket(social.socket_url, await social.ticket()) as third:
                assert await third.closed() == (4509, "connection limit")
            async with social.client(sub="user-2"):
                pass
        async with social.client() as again:
            assert await again.hears_nothing()


@pytest.mark.clause("WS-AUTH-16")
async def test_one_socket_too_many_of_an_organization_is_closed_and_another_organization_s_is_not(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, connections_per_organization=2) as social:
        async with social.client(), social.client(sub="user-2"):
            async with open_socket(social.socket_url, await social.ticket(sub="user-3")) as third:
                assert await third.closed() == (4509, "connection limit")
            async with social.client(sub="user-3", org="org-2"):
                pass
        async with social.client(sub="user-3") as again:
            assert await again.hears_nothing()


@pytest.mark.clause("WS-AUTH-17")
async def test_one_socket_too_many_from_an_address_waits_with_its_ticket_and_another_address_does_not(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, connections_per_address=2) as social:
        ticket = await social.ticket()
        async with social.client(), social.client():
            assert await refusal(social, ticket) == 429
            elsewhere = {"X-Forwarded-For": "2001:db8::1"}
            async with open_socket(social.socket_url, await social.ticket(), additional_headers=elsewhere) as other:
                assert (await other.receive())["type"] == "connected"
        async with open_socket(social.socket_url, ticket) as again:
            assert (await again.receive())["type"] == "connected"


@pytest.mark.clause("WS-AUTH-18")
async def test_a_full_node_sends_upgrades_and_their_tickets_to_another_one(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, connections=1) as full, start_social(redis_url) as other:
        ticket = await full.ticket()
        async with full.client():
            assert await refusal(full, ticket) == 503
            assert await engine_status(full) == 503
            async with open_socket(other.socket_url, ticket) as client:
                assert (await client.receive())["type"] == "connected"
        async with full.client() as again:
            assert await again.hears_nothing()
        assert await engine_status(full) == httpx.codes.OK


async def engine_status(social: SocialUnderTest) -> int:
    """Of an Engine.IO handshake."""
    async with httpx.AsyncClient(base_url=social.url) as http:
        return (await http.get("/socket.io/?EIO=4&transport=polling")).status_code


@pytest.mark.clause("WS-AUTH-17")
@pytest.mark.clause("WS-AUTH-18")
@pytest.mark.parametrize(("limit", "status"), [("connections", 503), ("connections_per_address", 429)])
async def test_of_a_storm_no_more_than_may_are_let_in(
    start_social: StartSocial, redis_url: str, limit: str, status: int
) -> None:
    async with start_social(redis_url, **{limit: 3}) as social:
        tickets = [await social.ticket() for _ in range(20)]
        async with AsyncExitStack() as sockets:

            async def enter(ticket: str) -> str | int:
                try:
                    client = await sockets.enter_async_context(open_socket(social.socket_url, ticket))
                except InvalidStatus as refused:
                    return refused.response.status_code
                return str((await client.receive())["type"])

            outcomes = await asyncio.gather(*map(enter, tickets))
    assert sorted(map(str, outcomes)) == [str(status)] * 17 + ["connected"] * 3


@pytest.mark.clause("WS-AUTH-6")
async def test_an_address_with_too_many_bad_credentials_waits_and_a_good_one_from_it_does_not(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, failed_upgrades_per_minute=3) as social:
        for headers in ({}, {"Cookie": "auth_token=x", "Origin": "https://evil.example"}):
            # What any web page can do from anybody's address does not count.
            for _ in range(5):
                assert await refusal(social, additional_headers=headers) in {401, 403}
        for _ in range(3):
            async with open_socket(social.socket_url, "not-a-ticket") as client:
                assert await client.closed() == (4401, "Invalid or expired token")
        assert await refusal(social, "not-a-ticket") == 429
        assert await refusal(social, additional_headers={"Authorization": "Bearer x"}) == 429
        async with social.client() as client:
            assert await client.hears_nothing()


async def refusal(social: SocialUnderTest, ticket: str | None = None, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(social.socket_url, ticket, **options):
            pass
    if refused.value.response.status_code in {429, 503}:
        assert 0 < int(refused.value.response.headers["Retry-After"]) <= 61
    return refused.value.response.status_code


@pytest.mark.clause("TICKET-6")
async def test_a_session_that_asks_for_too_many_tickets_waits_and_another_does_not(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url, tickets_per_minute=2) as social:
        async with social.http() as http:
            answers = [await http.get("/api/socials/connect-token") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["Content-Type"] == "application/problem+json"
        assert 0 < int(answers[2].headers["Retry-After"]) <= 61
        async with social.http(sid="session-2") as http:
            assert (await http.get("/api/socials/connect-token")).status_code == httpx.codes.OK


@pytest.mark.clause("TICKET-3")
async def test_fifty_redemptions_of_one_ticket_on_two_replicas_open_one_socket(
    start_social: StartSocial, redis_url: str
) -> None:
    async with start_social(redis_url) as one, start_social(redis_url) as two:
        ticket = await one.ticket()

        async def redeem(social: SocialUnderTest) -> str:
            async with open_socket(social.socket_url, ticket) as client:
                try:
                    return str((await client.receive())["type"])
                except ConnectionClosed:
                    return (await client.closed())[1]

        outcomes = await asyncio.gather(*(redeem(social) for social in (one, two) for _ in range(25)))
    assert sorted(set(outcomes)) == ["Token already used", "connected"]
    assert outcomes.count("connected") == 1


@pytest.mark.clause("WS-FRAME-12")
async def test_a_message_of_too_many_values_is_malformed_and_one_less_is_not(social: SocialUnderTest) -> None:
    def message(values: int) -> dict[str, object]:
        return {"type": "chat", "content": "x", "extra": [1] * (values - 4)}

    async with social.client() as client:
        assert (await client.ask(**message(1_001)))["code"] == "protocol-violation"
        assert (await client.ask(**message(1_000)))["type"] == "echo"


async def test_a_socket_that_was_closed_and_goes_on_talking_is_cut(social: SocialUnderTest) -> None:
    """A peer that never answers our close frame, and pings without an end."""
    host, port = social.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    upgrade = (
        "GET /api/socials/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {social.minter.mint()}\r\n\r\n"
    )
    nonsense = b"\x81\x81\x00\x00\x00\x00x"
    ping = b"\x89\x80\x00\x00\x00\x00"
    writer.write(upgrade.encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(nonsense * 100)
    closed = b"protocol violations"
    heard = b""
    async with asyncio.timeout(10):
        while closed not in heard:
            heard += await reader.read(65_536)
        with pytest.raises(ConnectionError):
            await write_for_ever(writer, ping * 10_000)
    writer.close()


async def write_for_ever(writer: asyncio.StreamWriter, data: bytes) -> None:
    while True:
        writer.write(data)
        await writer.drain()
