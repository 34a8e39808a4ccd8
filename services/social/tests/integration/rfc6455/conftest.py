"""One social process for the whole folder, and peers that break the rules at its own port."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from callboard_servicekit.migrations import migrate
from callboard_social.migrations import SCRIPTS
from callboard_testkit.raw_peer import RawPeer, raw_peer
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from callboard_testkit.social_process import SocialProcess, social_process
from callboard_testkit.socket_queues import queues_of
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

PING_INTERVAL = 0.4
PING_TIMEOUT = 0.6
"""Seconds, of the social that pings often."""


class Server:
    """A social, and peers of it that are users of their own."""

    def __init__(self, process: SocialProcess, redis: RedisServer, minter: TokenMinter) -> None:
        self.process = process
        self.redis = redis
        self._minter = minter

    def token(self) -> str:
        return self._minter.mint(sub=f"user-{uuid.uuid4().hex}")

    def peer(self) -> AbstractAsyncContextManager[RawPeer]:
        return raw_peer(self.process.socket_url, self.token())

    def has_read_all_of(self, peer: RawPeer) -> bool:
        queues = queues_of(self.process.port).get(peer.port)
        return queues is not None and not queues.unread

    async def is_ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"{self.process.internal_url}/readyz")).is_success

    async def has_open_sockets(self, count: int) -> bool:
        """As its metrics tell it."""
        async with httpx.AsyncClient(trust_env=False) as http:
            metrics = (await http.get(f"{self.process.internal_url}/metrics")).text
        return f'callboard_social_connections{{dialect="native"}} {count}.0' in metrics

    def holds(self, peer: RawPeer) -> bool:
        """True while the server's end of the connection is open."""
        return peer.port in queues_of(self.process.port)


@contextmanager
def _redis(directory: Path) -> Iterator[RedisServer]:
    server = RedisServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def _server(directory: Path, jwks_url: str, minter: TokenMinter, **settings: str) -> AsyncIterator[Server]:
    database_url = f"sqlite+aiosqlite:///{directory}/social.db"
    await asyncio.to_thread(migrate, database_url, "social", SCRIPTS)
    with _redis(directory) as redis:
        async with Redis.from_url(redis.url) as client:
            await declare_revocations_complete(client)
        with social_process(
            directory / "social.log",
            redis_url=redis.url,
            jwks_url=jwks_url,
            database_url=database_url,
            settings=settings,
        ) as process:
            yield Server(process, redis, minter)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def server(tmp_path_factory: pytest.TempPathFactory, jwks_url: str, minter: TokenMinter) -> AsyncIterator[Server]:
    """One whose pings nobody lives to see."""
    async with _server(tmp_path_factory.mktemp("calm"), jwks_url, minter, SOCIAL_PING_INTERVAL="10m") as server:
        yield server


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def pinging(
    tmp_path_factory: pytest.TempPathFactory, jwks_url: str, minter: TokenMinter
) -> AsyncIterator[Server]:
    """One that pings every `PING_INTERVAL`."""
    often = {
        "SOCIAL_PING_INTERVAL": f"{PING_INTERVAL * 1000:.0f}ms",
        "SOCIAL_PING_TIMEOUT": f"{PING_TIMEOUT * 1000:.0f}ms",
    }
    async with _server(tmp_path_factory.mktemp("pinging"), jwks_url, minter, **often) as server:
        yield server


@pytest.fixture(autouse=True)
async def ready(server: Server) -> None:
    """The test before may have frozen Redis."""
    await eventually(server.is_ready)


@pytest.fixture
async def peer(server: Server) -> AsyncIterator[RawPeer]:
    """An open socket that was told that it is connected."""
    async with server.peer() as peer:
        yield peer
