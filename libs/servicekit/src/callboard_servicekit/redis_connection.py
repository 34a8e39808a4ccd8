"""Connections to Redis, with no retry of their own.

redis-py resends a command whose reply was lost; for a command that publishes, that is an event twice. Who wants to
try again does so where it is known to be safe.
"""

import re

from redis.asyncio import BlockingConnectionPool, Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.maint_notifications import MaintNotificationsConfig

TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 32
_RUN_ID = re.compile(rb"run_id:([0-9a-f]{40})")


class IncarnatedConnection(Connection):
    """A connection that knows which incarnation of Redis it leads to.

    It learns the run id when it connects and cannot outlive it: when Redis restarts, the connection breaks.
    """

    run_id: str = ""

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        await super().on_connect_check_health(check_health)
        await self.send_command("INFO", "server", check_health=False)
        match = _RUN_ID.search(await self.read_response())
        if match is None:
            raise RedisConnectionError("INFO server names no run_id")
        self.run_id = match[1].decode()


def connection_pool(url: str) -> BlockingConnectionPool:
    """A bounded pool of `IncarnatedConnection`s; a caller waits up to five seconds for one."""
    return BlockingConnectionPool.from_url(
        url,
        connection_class=IncarnatedConnection,
        max_connections=MAX_CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        # With these notifications on, the pool hands out connections that the server has closed without looking.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def connect(url: str) -> Redis:
    """A client whose commands are sent once."""
    return Redis.from_pool(connection_pool(url))


async def run_id(single: Redis) -> str:
    """The run id behind a single-connection client (``async with redis.client() as single``)."""
    await single.ping()
    assert isinstance(single.connection, IncarnatedConnection)  # noqa: S101 - `connect` makes no others
    return single.connection.run_id
