"""Running rooms over each database, with real Redis and real keys."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from callboard_social.migrations import SCRIPTS
from callboard_social.settings import SocialSettings
from callboard_testkit.signing import TokenMinter

from .rooms_under_test import RoomsUnderTest, running_rooms

MakeSettings = Callable[[str, str], SocialSettings]


@pytest.fixture
def make_settings(jwks_url: str) -> MakeSettings:
    """Settings for a database and a Redis."""
    return lambda database_url, redis_url: SocialSettings.model_validate(
        {
            "database_url": database_url,
            "redis_url": redis_url,
            "jwks_url": jwks_url,
            "ticket_secret": "a-ticket-secret-of-the-tests-0123456789",
        }
    )


@pytest.fixture
async def migrated_url(database_url: str) -> str:
    await asyncio.to_thread(migrate, database_url, "social", SCRIPTS)
    return database_url


@pytest.fixture
async def migrated_sqlite_url(sqlite_url: str) -> str:
    """For what no database can make different."""
    await asyncio.to_thread(migrate, sqlite_url, "social", SCRIPTS)
    return sqlite_url


@pytest.fixture
async def social(
    make_settings: MakeSettings, migrated_url: str, redis_url: str, minter: TokenMinter
) -> AsyncIterator[RoomsUnderTest]:
    async with running_rooms(make_settings(migrated_url, redis_url), minter) as rooms:
        yield rooms


@pytest.fixture
async def ada(social: RoomsUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """A member of org-1, who makes the rooms of the tests."""
    async with social.client("ada") as client:
        yield client


@pytest.fixture
async def bob(social: RoomsUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """Another member of org-1."""
    async with social.client("bob") as client:
        yield client


@pytest.fixture
async def chief(social: RoomsUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """An admin of org-1."""
    async with social.client("chief", role="admin") as client:
        yield client


@pytest.fixture
async def guest(social: RoomsUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer of org-1."""
    async with social.client("guest", role="viewer") as client:
        yield client


@pytest.fixture
async def stranger(social: RoomsUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of org-2, with the user id of the one who makes the rooms."""
    async with social.client("ada", org="org-2", role="owner", sid="session-stranger") as client:
        yield client


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """A way of the test's own into the database."""
    database = Database(migrated_url)
    yield database
    await database.close()
