"""Redis commands of many callers in one pipeline: a lone call costs this process four times what one of fifty does.

While a pipeline is away the next one gathers, so it grows with the load and nobody waits for a clock.
"""

import asyncio
import math
from collections import deque
from contextvars import Context
from typing import Any

from callboard_servicekit.redis_connection import one_time_out
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

MAX_COMMANDS = 256
"""Bound of one pipeline: the answers to it are read in one go, and everybody on this process waits for that."""
MAX_WAITING = 8_192
"""Bound of what waits for the next pipelines; beyond it a caller is refused at once."""

Command = tuple[str | int, ...]
_Call = tuple[Command, asyncio.Future[Any]]


class Unanswered(RedisError):
    """Redis did not answer. Whether it did what it was asked is not known, and it is not asked again."""


class Gathered:
    """Sends each command once, or never.

    An error that Redis answers with is its caller's alone. When a connection breaks all fail that went with it and have
    no answer yet, and when Redis is silent also those that waited for it. A command whose caller is gone before it
    leaves is not sent.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: deque[_Call] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def execute(self, *command: str | int) -> Any:
        """Redis' answer to one command, as it comes from the wire; raises RedisError."""
        if len(self._waiting) >= MAX_WAITING:
            raise Unanswered("too many commands wait for Redis")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((command, answer))
        if self._sending is None:
            # Begins with the next tick, when this one's callers are all here; in no caller's context.
            self._sending = loop.create_task(self._send_all(), context=Context())
        return await answer

    async def _send_all(self) -> None:
        calls: list[_Call] = []
        try:
            while calls := self._next():
                await self._send(calls)
        finally:
            self._sending = None
            # Without an error nothing is left; whatever the error, nobody waits for ever.
            self._fail([*calls, *self._waiting], "nobody sends any more")
            self._waiting.clear()

    def _next(self) -> list[_Call]:
        calls: list[_Call] = []
        while self._waiting and len(calls) < MAX_COMMANDS:
            call = self._waiting.popleft()
            if not call[1].done():
                calls.append(call)
        return calls

    async def _send(self, calls: list[_Call]) -> None:
        try:
            await self._ask(calls)
        except (RedisTimeoutError, OSError) as error:
            self._fail([*calls, *self._waiting], type(error).__name__)
            self._waiting.clear()
        except RedisError as error:
            self._fail(calls, type(error).__name__)

    async def _ask(self, calls: list[_Call]) -> None:
        """On one connection; the client's own pipelines take a quarter more, and give all answers or none."""
        pool = self._redis.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_packed_command(connection.pack_commands([command for command, _ in calls]))
            async with one_time_out(connection):
                for _, future in calls:
                    _settle(future, await _answer(connection))
        except BaseException:
            # An answer that is left unread would be the next caller's.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    def _fail(self, calls: list[_Call], reason: str) -> None:
        for _, future in calls:
            _settle(future, Unanswered(reason))


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as error:
        return error


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():
        return  # its caller is gone
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
