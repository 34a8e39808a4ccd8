"""A running producer over each database, with real Redis and real keys."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from callboard_producer.migrations import SCRIPTS
from callboard_producer.settings import ProducerSettings
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from callboard_testkit.signing import TokenMinter

from .producer_under_test import ProducerUnderTest, running_producer

MakeSettings = Callable[[str, str], ProducerSettings]


@pytest.fixture
def make_settings(jwks_url: str) -> MakeSettings:
    """Settings for a database and a Redis."""
    return lambda database_url, redis_url: ProducerSettings.model_validate(
        {"database_url": database_url, "redis_url": redis_url, "jwks_url": jwks_url}
    )


@pytest.fixture
async def migrated_url(database_url: str) -> str:
    await asyncio.to_thread(migrate, database_url, "producer", SCRIPTS)
    return database_url


@pytest.fixture
async def migrated_sqlite_url(sqlite_url: str) -> str:
    """For what no database can make different."""
    await asyncio.to_thread(migrate, sqlite_url, "producer", SCRIPTS)
    return sqlite_url


@pytest.fixture
async def producer(
    make_settings: MakeSettings, migrated_url: str, redis_url: str, minter: TokenMinter
) -> AsyncIterator[ProducerUnderTest]:
    async with running_producer(make_settings(migrated_url, redis_url), minter) as producer:
        yield producer


@pytest.fixture
async def worker(producer: ProducerUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """A member of org-1."""
    async with producer.client() as client:
        yield client


@pytest.fixture
async def stranger(producer: ProducerUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """A member of org-2."""
    async with producer.client(org="org-2", sub="user-2", sid="session-2") as client:
        yield client


@pytest.fixture
async def database(producer: ProducerUnderTest) -> AsyncIterator[Database]:
    """A way of the test's own into the database."""
    database = Database(producer.settings.database_url)
    yield database
    await database.close()
