"""Fixtures for every tier, and the rule that unit tests open no socket."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_socket
import structlog
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from callboard_testkit.postgres_server import PostgresServer
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.signing import TokenMinter, serve_key_set


def pytest_configure() -> None:
    # A shell starts what runs in its background with SIGINT ignored, and every child inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says more about the machine than about what is tested.
    settings.register_profile("callboard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("callboard")
    # The default renderer prints every local variable of every frame: slow, and full of secrets.
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if "unit" in item.path.parts:
        pytest_socket.disable_socket(allow_unix_socket=True)  # the event loop wakes itself through one


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    if "unit" in item.path.parts:
        pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def redis(_redis: RedisServer) -> AsyncIterator[Redis]:
    """A client of an empty Redis shared by the session; the test must not stop the server."""
    client: Redis = Redis.from_url(_redis.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def redis_url(redis: Redis, _redis: RedisServer) -> str:  # noqa: ARG001 - asked for its effect
    """The URL of the same, emptied."""
    return _redis.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, which it may stop, freeze and restart."""
    server = RedisServer(tmp_path, append_only=True)
    server.start()
    yield server
    server.thaw()
    server.stop()


@pytest.fixture(scope="session")
def _postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
async def postgres_url(_postgres: PostgresServer) -> str:
    """A fresh PostgreSQL database."""
    return await _postgres.create_database()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL cluster of the test's own, which it may stop and restart."""
    server = PostgresServer()
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite database."""
    return f"sqlite+aiosqlite:///{tmp_path}/test.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database, once of each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(scope="session")
def minter() -> TokenMinter:
    return TokenMinter()


@pytest.fixture(scope="session")
def jwks_url(minter: TokenMinter) -> Iterator[str]:
    with serve_key_set(minter) as url:
        yield url
