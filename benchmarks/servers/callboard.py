"""Our own social: the real process and its real Redis, its sockets opened with real tickets."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter, serve_key_set
from callboard_testkit.waiting import free_port
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from benchmarks.peers.child import SERVER_CPU, Child
from benchmarks.peers.openings import callboard_socketio_openings, upgrade_request
from benchmarks.peers.redis_beside import RedisBeside
from benchmarks.peers.tools import Tools, printed
from benchmarks.server import EVENT_BYTES, SERVER, Opening
from benchmarks.servers.tickets import mint_tickets

READY_SECONDS = 30.0
PATH = "/api/socials/ws"
CONNECTED = b'{"type":"connected"'
NO_LIMIT = "1000000"


class NotReady(Exception):
    """Social was started and does not say that it is ready."""


class Callboard:
    """Members are as many users, each with a session of its own, and hear ``org`` from the upgrade on."""

    name = "Callboard"

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._minter = TokenMinter()
        self._secret = secrets.token_urlsafe(32)
        self._running = ExitStack()
        self._social: Child | None = None
        self._redis: RedisBeside | None = None
        self.port = 0

    def start(self, directory: Path, *, organisations: int = 1) -> None:  # noqa: ARG002 - organisations need nothing
        with ExitStack() as undo:
            self._redis = redis = RedisBeside(self._tools, directory)
            undo.callback(redis.stop)
            jwks_url = undo.enter_context(serve_key_set(self._minter))
            self.port, internal_port = free_port(), free_port()
            environment = self._settings(directory, jwks_url, internal_port)
            command = [sys.executable, "-m", "callboard_social"]
            subprocess.run([*command, "migrate"], env=os.environ | environment, check=True)
            self._social = Child(
                [*command, "serve"],
                log=directory / "social.log",
                cpu=SERVER_CPU,
                root=self._tools.root,
                environment=environment,
            )
            undo.callback(self._social.stop)
            self._social.wait_until_listening(self.port)
            asyncio.run(_declare_revocations_complete(self._redis_url))
            _wait_until_ready(f"http://127.0.0.1:{internal_port}/readyz")
            self._running = undo.pop_all()

    def _settings(self, directory: Path, jwks_url: str, internal_port: int) -> dict[str, str]:
        return {
            "SOCIAL_PORT": str(self.port),
            "SOCIAL_INTERNAL_PORT": str(internal_port),
            "SOCIAL_TICKET_SECRET": self._secret,
            "SOCIAL_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/social.db",
            "SOCIAL_TICKETS_PER_MINUTE": NO_LIMIT,
            "SOCIAL_CONNECTIONS": NO_LIMIT,
            "SOCIAL_CONNECTIONS_PER_ADDRESS": NO_LIMIT,
            "SOCIAL_CONNECTIONS_PER_ORGANIZATION": NO_LIMIT,
            "REDIS_URL": self._redis_url,
            "CALLBOARD_JWKS_URL": jwks_url,
            "CALLBOARD_DRAIN_WINDOW": "1s",
            "LOG_LEVEL": "warning",
        }

    @property
    def _redis_url(self) -> str:
        assert self._redis is not None  # noqa: S101 - it was started
        return f"redis://127.0.0.1:{self._redis.port}/0"

    def stop(self) -> None:
        self._running.close()
        self._social = self._redis = None

    def processes(self) -> Mapping[str, list[int]]:
        assert self._social is not None  # noqa: S101 - it was started
        assert self._redis is not None  # noqa: S101 - it was started
        return {SERVER: [self._social.pid], "redis": [self._redis.pid]}

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        for ticket in self._tickets(count, organisation):
            protocols = f"callboard.v1, ticket.{ticket}"
            request = upgrade_request(self.port, PATH, [("Sec-WebSocket-Protocol", protocols)])
            yield Opening(request, ready=CONNECTED)

    def _tickets(self, count: int, organisation: int) -> Iterator[str]:
        with Redis.from_url(self._redis_url) as redis:
            yield from mint_tickets(redis, self._secret, _organization_id(organisation), count)

    def primary_tokens(self, count: int) -> list[str]:
        """So many users' own, for calls that mint tickets."""
        named = (f"user-{number}" for number in range(count))
        return [self._minter.mint(sub=name, sid=f"session-{name}", org=_organization_id(0)) for name in named]

    def publisher(self, rate: int, seconds: float, size: int = EVENT_BYTES, organisation: int = 0) -> list[str]:
        command = [sys.executable, "-m", "benchmarks.servers.publish", "--redis", self._redis_url]
        command += ["--organization", _organization_id(organisation), "--size", str(size)]
        return [*command, "--rate", str(rate), "--seconds", str(seconds)]

    def version(self) -> str:
        command = ["git", "describe", "--always", "--dirty"]
        described = subprocess.run(command, cwd=self._tools.root, check=False, capture_output=True, text=True)
        redis = printed(self._tools.redis, "--version").split("v=")[-1].split()[0]
        return f"{described.stdout.strip() or 'unknown'}, Python {sys.version.split()[0]}, Redis {redis}"


class CallboardSocketIo(Callboard):
    """The same server; its members speak Socket.IO over WebSocket, and prove who they are with tickets."""

    name = "Callboard (Socket.IO)"

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        return callboard_socketio_openings(self.port, self._tickets(count, organisation))


def _organization_id(number: int) -> str:
    return f"bench-{number}"


async def _declare_revocations_complete(url: str) -> None:
    async with AsyncRedis.from_url(url) as redis:
        await declare_revocations_complete(redis)


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not (answer := httpx.get(url)).is_success:
        if time.monotonic() > deadline:
            raise NotReady(answer.text)
        time.sleep(0.05)
