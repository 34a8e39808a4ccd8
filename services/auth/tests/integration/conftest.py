"""A running auth over each database, and the people who use it. A person is an HTTP client with their cookies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from callboard_auth.app import create_app
from callboard_auth.migrations import SCRIPTS
from callboard_auth.settings import AuthSettings
from callboard_contracts.keys import REVOCATIONS
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import running
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from redis.asyncio import Redis

PASSPHRASE = "correct-horse-battery-staple-0123456789"
ORIGIN = "http://localhost:8080"
PASSWORD = "a fine long password"


@pytest.fixture
def make_settings() -> Callable[..., AuthSettings]:
    """Settings with hashes that cost next to nothing."""

    def make(**overrides: object) -> AuthSettings:
        cheap: dict[str, object] = {
            "key_passphrase": PASSPHRASE,
            "argon2_memory_kib": 8,
            "argon2_time_cost": 1,
        }
        return AuthSettings.model_validate(cheap | overrides)

    return make


@pytest.fixture
async def migrated_url(database_url: str) -> str:
    await asyncio.to_thread(migrate, database_url, "auth", SCRIPTS)
    return database_url


@pytest.fixture
async def migrated_sqlite_url(sqlite_url: str) -> str:
    """For what no database can make different."""
    await asyncio.to_thread(migrate, sqlite_url, "auth", SCRIPTS)
    return sqlite_url


@pytest.fixture
def settings(make_settings: Callable[..., AuthSettings], migrated_url: str, redis_url: str) -> AuthSettings:
    return make_settings(database_url=migrated_url, redis_url=redis_url)


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """A way of the test's own into the database."""
    database = Database(migrated_url)
    yield database
    await database.close()


class _Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return _Clock()


@pytest.fixture
def skip_time(clock: Callable[[], datetime]) -> Callable[[timedelta], None]:
    """Moves auth's clock; tokens that it signs from then on look premature to whoever has the right time."""
    assert isinstance(clock, _Clock)

    def skip(duration: timedelta) -> None:
        clock.ahead += duration

    return skip


@pytest.fixture
def app(settings: AuthSettings, clock: Callable[[], datetime]) -> FastAPI:
    return create_app(settings, clock)


@pytest.fixture
async def address(app: FastAPI, redis: Redis) -> AsyncIterator[str]:
    """Where auth answers, once it has told Redis all there is: it does not tell it again while a test counts."""

    async def has_been_told() -> bool:
        entries: Any = await redis.xrange(REVOCATIONS)
        return any(fields[b"kind"] == b"republished" for _, fields in entries)

    async with running(app) as address:
        await eventually(has_been_told)
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody unknown, without an Origin, as a program is."""
    async with httpx.AsyncClient(base_url=address) as client:
        yield client


@pytest.fixture
def browser(address: str) -> Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Makes clients that name the allowed origin."""
    return lambda: httpx.AsyncClient(base_url=address, headers={"Origin": ORIGIN})


async def _signed_up(client: httpx.AsyncClient, login: str, organization: str) -> httpx.AsyncClient:
    body = {"login": login, "email": f"{login}@example.com", "password": PASSWORD, "organizationName": organization}
    answer = await client.post("/api/signup", json=body)
    assert answer.status_code == 201, answer.text
    return client


@pytest.fixture
async def people() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def ada(
    browser: Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]], people: AsyncExitStack
) -> httpx.AsyncClient:
    """Owner of the organisation Engines."""
    return await _signed_up(await people.enter_async_context(browser()), "ada", "Engines")


@pytest.fixture
async def grace(
    browser: Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]], people: AsyncExitStack
) -> httpx.AsyncClient:
    """Owner of another organisation, Compilers."""
    return await _signed_up(await people.enter_async_context(browser()), "grace", "Compilers")


@pytest.fixture
async def api_token(ada: httpx.AsyncClient) -> dict[str, str]:
    """What the creation of an API token in ada's organisation answered."""
    answer = await ada.post("/api/v1/tokens", json={"name": "ci"})
    assert answer.status_code == 201, answer.text
    created: dict[str, str] = answer.json()
    return created


@pytest.fixture
async def agent(address: str, api_token: dict[str, str], people: AsyncExitStack) -> httpx.AsyncClient:
    """A worker in ada's organisation, with a Bearer token."""
    client = await people.enter_async_context(httpx.AsyncClient(base_url=address))
    answer = await client.post("/api/v1/sessions", json={"token": api_token["token"]})
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = "Bearer " + answer.json()["token"]
    return client


@pytest.fixture
def revoked(redis: Redis) -> Callable[[], Awaitable[list[str]]]:
    """Reads the ids of sessions and API tokens in the revocation stream, oldest first."""

    async def read() -> list[str]:
        entries: Any = await redis.xrange(REVOCATIONS)
        return [fields[b"id"].decode() for _, fields in entries if fields[b"kind"] == b"sid"]

    return read


@pytest.fixture
def lonely_app(
    make_settings: Callable[..., AuthSettings], migrated_url: str, own_redis: RedisServer, clock: Callable[[], datetime]
) -> FastAPI:
    """Auth with a Redis that the test may stop."""
    return create_app(make_settings(database_url=migrated_url, redis_url=own_redis.url), clock)


@pytest.fixture
async def person(lonely_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Owner of the organisation Engines, at an auth whose Redis the test may stop."""
    async with (
        running(lonely_app) as address,
        httpx.AsyncClient(base_url=address, headers={"Origin": ORIGIN}) as client,
    ):
        body = {"login": "ada", "email": "ada@example.com", "password": "long password", "organizationName": "Engines"}
        assert (await client.post("/api/signup", json=body)).status_code == 201
        yield client
