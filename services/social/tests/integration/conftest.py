"""One social on a real port, with a real Redis and real keys."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from callboard_contracts.channels import Channel
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.migrations import migrate
from callboard_servicekit.relay.relay import Published, Relay
from callboard_social.app import create_app
from callboard_social.handoff import HandoffProtocol
from callboard_social.migrations import SCRIPTS
from callboard_social.settings import SocialSettings
from callboard_testkit.running import declare_revocations_complete, running
from callboard_testkit.signing import TokenMinter
from callboard_testkit.social_under_test import SocialUnderTest
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

TICKET_SECRET = "a-ticket-secret-of-the-tests-0123456789"

StartSocial = Callable[..., AbstractAsyncContextManager[SocialUnderTest]]


@pytest.fixture
async def migrated_url(sqlite_url: str) -> str:
    """A fresh SQLite database with social's tables."""
    await asyncio.to_thread(migrate, sqlite_url, "social", SCRIPTS)
    return sqlite_url


@pytest.fixture
def start_social(jwks_url: str, minter: TokenMinter, migrated_url: str) -> StartSocial:
    """Starts a social on a Redis; further arguments are settings."""

    @asynccontextmanager
    async def start(
        redis_url: str, *, knows_revocations: bool = True, **overrides: Any
    ) -> AsyncIterator[SocialUnderTest]:
        fields = {
            "redis_url": redis_url,
            "jwks_url": jwks_url,
            "ticket_secret": TICKET_SECRET,
            "database_url": migrated_url,
        } | overrides
        app = create_app(SocialSettings(**fields))
        relay = Relay(redis_url, history_length=100, history_age=timedelta(hours=1))

        async def publish(org: str, channel: Channel, body: str) -> str:
            published = await relay.publish(org, channel, body)
            assert isinstance(published, Published)
            return str(published.position)

        async with running(app, ws=HandoffProtocol, ws_ping_interval=None) as url:
            if knows_revocations:
                async with Redis.from_url(redis_url) as redis:
                    await declare_revocations_complete(redis)

            async def is_ready() -> bool:
                failing = await telemetry_of(app).failing()
                return not failing if knows_revocations else failing == ["revocations"]

            await eventually(is_ready)
            yield SocialUnderTest(url, minter, publish)
        await relay.close()

    return start


@pytest.fixture
async def social(start_social: StartSocial, redis_url: str) -> AsyncIterator[SocialUnderTest]:
    async with start_social(redis_url) as social:
        yield social
