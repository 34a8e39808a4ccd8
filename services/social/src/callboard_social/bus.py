"""The bus: one connection to Redis' pub/sub, and what is heard on it.

Delivery is at most once while connected, in the order of publication per channel. What is published while the
connection is away is not heard; the listener is told when it is lost and when it is back. A subscription counts only
once Redis has confirmed it.
"""

import asyncio
import math
import secrets
from collections import defaultdict, deque
from typing import Any, NoReturn, Protocol

import structlog
from callboard_contracts.channels import ChannelKind
from callboard_contracts.events import BusEvent
from callboard_contracts.keys import parse_channel_key
from callboard_contracts.positions import Position
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.relay.relay import Relay
from redis.asyncio import Connection, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

PING_SECONDS = 5.0
"""A connection that carries nothing, not even the answer to a ping, for twice this long is taken for lost."""
MAX_BACKOFF_SECONDS = 5.0
FIRST_BACKOFF_SECONDS = 0.1
CONNECT_TIMEOUT_SECONDS = 5.0


class BusUnavailable(Unavailable):
    code = "bus-unavailable"
    detail = "This node cannot hear events now; try again."


class BusListener(Protocol):
    def heard(self, key: str, event: BusEvent) -> None: ...

    def bus_lost(self) -> None: ...

    async def bus_back(self) -> None: ...


class _Link:
    """One connection to Redis' pub/sub: commands leave in the order in which they were decided."""

    __slots__ = ("commands", "confirmations", "connection", "has_spoken")

    def __init__(self, url: str) -> None:
        self.connection = Connection(
            **parse_url(url),
            protocol=2,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self.commands: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
        self.confirmations: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)
        self.has_spoken = False
        """Since `watch` last looked."""

    async def subscribe(self, key: str) -> None:
        """Returns once Redis has confirmed; raises `BusUnavailable` when the connection is lost before."""
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.confirmations[key].append(confirmed)
        self.commands.put_nowait(("SUBSCRIBE", key))
        await confirmed

    def confirm(self, key: str) -> None:
        waiting = self.confirmations[key]
        future = waiting.popleft()
        if not waiting:
            del self.confirmations[key]
        if not future.done():
            future.set_result(None)

    def fail(self) -> None:
        """Nothing more will be confirmed."""
        for future in [future for waiting in self.confirmations.values() for future in waiting]:
            if not future.done():
                future.set_exception(BusUnavailable())
        self.confirmations.clear()

    async def write(self) -> None:
        while True:
            await self.connection.send_command(*await self.commands.get(), check_health=False)

    async def read(self) -> list[Any]:
        """The next answer, whenever it comes: a time-out for each would cost as much as to read it."""
        answer: list[Any] = await self.connection.read_response(timeout=math.inf)
        self.has_spoken = True
        return answer

    async def watch(self) -> NoReturn:
        """Ping a silent connection; raises TimeoutError when it stays silent."""
        is_pinged = False
        while True:
            self.has_spoken = False
            await asyncio.sleep(PING_SECONDS)
            if not self.has_spoken and is_pinged:
                raise TimeoutError
            is_pinged = not self.has_spoken
            if is_pinged:
                self.commands.put_nowait(("PING",))


class Bus:
    """Subscribes by channel key; `run` connects, listens and reconnects for ever."""

    def __init__(self, redis_url: str, redis: Redis, relay: Relay) -> None:
        self._url = redis_url
        self._redis = redis
        self._relay = relay
        self._link: _Link | None = None
        self._is_back = False
        self._wanted: set[str] = set()
        self._epoch = secrets.token_hex(4)

    @property
    def is_heard(self) -> bool:
        return self._is_back

    async def check(self) -> None:
        """Raises `BusUnavailable` while nothing can be heard; a readiness check."""
        if not self._is_back:
            raise BusUnavailable

    async def subscribe(self, key: str) -> None:
        """Hear a channel from now on; returns once Redis has confirmed it. Raises `BusUnavailable`."""
        if self._link is None:
            raise BusUnavailable
        self._wanted.add(key)
        await self._link.subscribe(key)

    def unsubscribe(self, key: str) -> None:
        self._wanted.discard(key)
        if self._link is not None:
            self._link.commands.put_nowait(("UNSUBSCRIBE", key))

    async def position(self, key: str) -> Position:
        """Where a channel stands now; raises `Unavailable`.

        ``0:0`` for log lines of which Redis holds none; presence has positions that are this process's own.
        """
        organization_id, channel = parse_channel_key(key)
        if channel.kind is ChannelKind.PRESENCE:
            return Position(self._epoch, 0)
        if channel.kind is not ChannelKind.EXECUTION:
            return await self._relay.position(organization_id, channel)
        try:
            last: Any = await self._redis.xrevrange(key, count=1)
        except (RedisError, OSError) as error:
            raise BusUnavailable from error
        if not last:
            return Position("0", 0)
        attempt, _, line = bytes(last[0][0]).decode().partition("-")
        return Position(attempt, int(line))

    async def run(self, listener: BusListener) -> None:
        """Listen for ever. The supervisor cancels it."""
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            link = _Link(self._url)
            try:
                await link.connection.connect()  # type: ignore[no-untyped-call]
                backoff = FIRST_BACKOFF_SECONDS
                await self._serve(link, listener)
            except (RedisError, OSError, Unavailable) as error:
                log.warning("bus_connection_failed", error=type(error).__name__)
            finally:
                self._lose(listener)
                await link.connection.disconnect(nowait=True)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    def _lose(self, listener: BusListener) -> None:
        self._link = None
        if self._is_back:
            self._is_back = False
            listener.bus_lost()

    async def _serve(self, link: _Link, listener: BusListener) -> None:
        writer = asyncio.create_task(link.write())
        reader = asyncio.create_task(self._read(link, listener))
        watcher = asyncio.create_task(link.watch())
        tasks = (writer, reader, watcher)
        for task in tasks:
            task.add_done_callback(lambda _: link.fail())
        try:
            # All that is wanted is confirmed before anybody is told that the bus is back.
            await asyncio.gather(*(link.subscribe(key) for key in self._wanted))
            self._link = link
            await listener.bus_back()
            self._is_back = True
            log.info("bus_connected", channels=len(self._wanted))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, link: _Link, listener: BusListener) -> None:
        while True:
            answer = await link.read()
            if answer[0] == b"message":
                self._hear(answer[1].decode(), answer[2], listener)
            elif answer[0] == b"subscribe":
                link.confirm(answer[1].decode())

    def _hear(self, key: str, message: bytes, listener: BusListener) -> None:
        try:
            listener.heard(key, BusEvent.model_validate_json(message))
        except (ValueError, KeyError):
            # From a release that this one does not understand; who misses it is told by the next one's position.
            log.exception("bus_event_unreadable", key=key)
