"""Connections to Redis, with no retry of their own.

redis-py resends a command whose reply was lost; for a command that publishes, that is an event twice. Who wants to
try again does so where it is known to be safe.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 32
TLS_SCHEME = "rediss://"
SCHEMES = ("redis://", TLS_SCHEME)
OnFailure = Callable[[Exception], None]
_RUN_ID = re.compile(rb"run_id:([0-9a-f]{40})")


class _Telling:
    """Tells of each failure within the block; it is on the way of every command, so it is made once a connection."""

    __slots__ = ("_on_failure", "is_greeting")

    def __init__(self, on_failure: OnFailure | None) -> None:
        self._on_failure = on_failure
        self.is_greeting = False
        """Part of the greeting may fail: redis-py introduces itself to servers that do not know how to answer."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.tell(error)

    def tell(self, error: BaseException) -> None:
        if self._on_failure is None or self.is_greeting:
            return
        # Without the script is how the relay learns that it has to send it.
        if isinstance(error, RedisError | OSError) and not isinstance(error, NoScriptError):
            self._on_failure(error)


class IncarnatedConnection(Connection):
    """A connection that knows which incarnation of Redis it leads to.

    It learns the run id when it connects and cannot outlive it: when Redis restarts, the connection breaks.
    """

    run_id: str = ""

    def __init__(self, *, on_failure: OnFailure | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._telling = _Telling(on_failure)

    async def _connect(self) -> None:
        with self._telling:
            await super()._connect()  # type: ignore[no-untyped-call]

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        with self._telling:
            self._telling.is_greeting = True
            try:
                await super().on_connect_check_health(check_health)
                self.run_id = await self._ask_run_id()
            finally:
                self._telling.is_greeting = False

    async def _ask_run_id(self) -> str:
        await self.send_command("INFO", "server", check_health=False)
        match = _RUN_ID.search(await self.read_response())
        if match is None:
            raise RedisConnectionError("INFO server names no run_id")
        return match[1].decode()

    async def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        with self._telling:
            await super().send_packed_command(*arguments, **options)

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        with self._telling:
            return await super().read_response(*arguments, **options)

    def tell(self, error: RedisError) -> None:
        """Count a failure that was found from outside."""
        self._telling.tell(error)


@asynccontextmanager
async def one_time_out(connection: AbstractConnection) -> AsyncIterator[None]:
    """The connection's time-out for all that is read within the block, with ``timeout=math.inf``.

    Each answer's own would cost more than the answer. Nothing is sent in here: the client sends by `asyncio.wait_for`,
    and before Python 3.12 that may swallow the cancellation by which a time-out ends its block. Raises redis'
    TimeoutError.
    """
    try:
        async with asyncio.timeout(connection.socket_timeout):
            yield
    except TimeoutError as error:
        failure = RedisTimeoutError("Redis did not answer in time")
        if isinstance(connection, IncarnatedConnection):
            connection.tell(failure)
        raise failure from error


class IncarnatedTlsConnection(IncarnatedConnection, SSLConnection):
    """The same over TLS; ``ssl_ca_certs`` and its like come from the URL's query."""


def connection_pool(url: str, on_failure: OnFailure | None = None) -> BlockingConnectionPool:
    """A bounded pool of `IncarnatedConnection`s; a caller waits up to five seconds for one.

    `url` is ``redis://`` or ``rediss://``, else ValueError. `on_failure` is told of every command and every attempt to
    connect that failed.
    """
    if not url.startswith(SCHEMES):
        raise ValueError("a Redis URL begins with redis:// or rediss://")
    options: dict[str, Any] = {
        "on_failure": on_failure,
        "max_connections": MAX_CONNECTIONS,
        "timeout": TIMEOUT_SECONDS,
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        # With these notifications on, the pool hands out connections that the server has closed without looking.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    # The pool's own `from_url` lets the scheme choose a class, one that knows nothing of incarnations.
    connection_class = IncarnatedTlsConnection if url.startswith(TLS_SCHEME) else IncarnatedConnection
    return BlockingConnectionPool(**(options | dict(parse_url(url)) | {"connection_class": connection_class}))


def connect(url: str, on_failure: OnFailure | None = None) -> Redis:
    """A client whose commands are sent once."""
    return Redis.from_pool(connection_pool(url, on_failure))


async def run_id(single: Redis) -> str:
    """The run id behind a single-connection client (``async with redis.client() as single``)."""
    await single.ping()
    assert isinstance(single.connection, IncarnatedConnection)  # noqa: S101 - `connect` makes no others
    return single.connection.run_id
