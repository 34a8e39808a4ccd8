"""One ticket, presented a thousand times at once to four processes, and once more to a Redis that was restarted."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest
from callboard_testkit.native_client import open_socket
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from callboard_testkit.social_process import SocialProcess, social_process
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed

PROCESSES = 4
ATTEMPTS = 1_000
FOR_A_STORM = {"SOCIAL_FAILED_UPGRADES_PER_MINUTE": str(2 * ATTEMPTS), "LOG_LEVEL": "warning"}


async def outcome_of(social: SocialProcess, ticket: str) -> str:
    """The first frame's type, or why the socket was closed."""
    async with open_socket(social.socket_url, ticket, open_timeout=30) as client:
        try:
            return str((await client.receive())["type"])
        except ConnectionClosed:
            return (await client.closed())[1]


async def storm(socials: list[SocialProcess], ticket: str) -> Counter[str]:
    attempts = (outcome_of(socials[number % PROCESSES], ticket) for number in range(ATTEMPTS))
    return Counter(await asyncio.gather(*attempts))


async def is_ready(social: SocialProcess) -> bool:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{social.internal_url}/readyz")).status_code == httpx.codes.OK


async def declare_complete(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await declare_revocations_complete(redis)


@pytest.mark.clause("TICKET-3")
@pytest.mark.timeout(120)
async def test_one_of_a_thousand_redemptions_opens_a_socket_and_none_after_a_restart_of_redis(
    own_redis: RedisServer, jwks_url: str, migrated_url: str, minter: TokenMinter, tmp_path: Path
) -> None:
    await declare_complete(own_redis.url)
    with ExitStack() as processes:
        socials = [
            processes.enter_context(
                social_process(
                    tmp_path / f"social-{number}.log",
                    redis_url=own_redis.url,
                    jwks_url=jwks_url,
                    database_url=migrated_url,
                    settings=FOR_A_STORM,
                )
            )
            for number in range(PROCESSES)
        ]
        headers = {"Authorization": f"Bearer {minter.mint()}"}
        async with httpx.AsyncClient(headers=headers) as http:
            ticket = str((await http.post(f"{socials[0].url}/api/socials/connect-token")).json()["token"])
        first = await storm(socials, ticket)
        assert first["connected"] == 1
        assert first["Token already used"] + first["Invalid or expired token"] == ATTEMPTS - 1

        own_redis.stop()
        own_redis.start()
        await declare_complete(own_redis.url)
        for social in socials:
            await eventually(partial(is_ready, social))
        second = await storm(socials, ticket)
        assert second["connected"] == 0
        assert second["Token already used"] + second["Invalid or expired token"] == ATTEMPTS
