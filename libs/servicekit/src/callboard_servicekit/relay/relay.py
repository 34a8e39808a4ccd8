"""The one caller of ``publish.lua``."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from typing import Any

from callboard_contracts.channels import Channel, ChannelKind
from callboard_contracts.keys import channel_key, guard_key, meta_key
from callboard_contracts.positions import Position
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import NoScriptError, RedisError

from callboard_servicekit.errors import Unavailable
from callboard_servicekit.redis_connection import IncarnatedConnection, OnFailure, connection_pool

META_OUTLIVES_HISTORY_BY = timedelta(days=30)
PASSING_META_OUTLIVES_HISTORY_BY = timedelta(hours=1)
"""Workflows come without end, and clients may ask for any id: a channel of one is forgotten soon after its history."""
PASSING_META_LIVES_WHEN_ASKED_FOR = timedelta(hours=1)
_PASSING_KINDS = {ChannelKind.WORKFLOW}


@dataclass(frozen=True, slots=True)
class Guard:
    """Makes a repeat a no-op and a gap an answer: ``sequence`` counts one subject's events from 1.

    ``is_base``: the caller knows that everything before is out; go on from here, whatever Redis knows of it.
    ``life``: how long a subject of a single event is remembered; None: as long as the channel's offset, which a
    sequence of several needs. ``content`` names in letters and digits what is published: another one under the same
    number is refused; empty: not compared.
    """

    subject: str
    sequence: int
    is_base: bool = False
    life: timedelta | None = None
    content: str = ""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where a chunk of log lines ends; it also goes into the execution's own channel, at this position."""

    channel: Channel
    attempt: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Published:
    """The event is in the channel, now or (`is_repeat`) by an earlier call, at this position."""

    position: Position
    is_repeat: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Behind:
    """Not published: the last sequence number that Redis knows is not the one before (0: it knows none)."""

    last_sequence: int


class AlreadyPublishedOtherwise(Exception):
    """Something with another content went out under this number of the guard."""


class RelayUnavailable(Unavailable):
    """Redis did not answer. The event may or may not be out; the guard makes another try safe."""

    code = "relay-unavailable"
    detail = "What was sent may be stored, but could not be relayed; send it again."


class Relay:
    """Publishes events. At most once per call; with a guard, exactly once per sequence number and in order.

    Lost is what Redis loses with its data: then the epoch changes, and every reader can tell.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        history_length: int,
        history_age: timedelta,
        on_failure: OnFailure | None = None,
    ) -> None:
        self._pool: BlockingConnectionPool = connection_pool(redis_url, on_failure)
        self._script = resources.files(__package__).joinpath("publish.lua").read_bytes()
        self._digest = hashlib.sha1(self._script, usedforsecurity=False).hexdigest()
        self._history_age = history_age
        self._bounds = (history_length, _milliseconds(history_age))

    async def publish(
        self,
        organization_id: str,
        channel: Channel,
        body: str,
        *,
        guard: Guard | None = None,
        log: LogPlace | None = None,
        second: Channel | None = None,
    ) -> Published | Behind:
        """Put one event into the channel; into a second one in the same step, so that both have the same order.

        Args:
            organization_id: whose channel.
            channel: a channel that counts offsets (not ``execution:*``; for log lines give `log` too).
            body: the JSON object of a `BusEvent` without ``v`` and ``position``.
            guard: needed by whatever may be sent twice.
            log: for a chunk of log lines, its place in the execution's own channel; only with a guard.
            second: a further channel that counts offsets, its own; the position returned is the first one's.

        Raises:
            AlreadyPublishedOtherwise: the guard has a content, and its number went out with another one.
            RelayUnavailable: Redis did not answer.
        """
        keys = [meta_key(organization_id, channel), channel_key(organization_id, channel)]
        if guard is not None:
            keys.append(guard_key(organization_id, channel, guard.subject))
        if log is not None:
            keys.append(channel_key(organization_id, log.channel))
        if second is not None:
            keys += [meta_key(organization_id, second), channel_key(organization_id, second)]
        meta_life = self._meta_life(channel)
        arguments = (
            _milliseconds(meta_life),
            body.removeprefix("{"),
            guard.sequence if guard else 0,
            int(guard.is_base) if guard else 0,
            _milliseconds((guard.life if guard else None) or meta_life),
            guard.content if guard else "",
            log.attempt if log else 0,
            log.last_line if log else 0,
            _milliseconds(self._meta_life(second)) if second else 0,
        )
        outcome, epoch, number = await self._call(keys, arguments)
        if outcome == b"behind":
            return Behind(number)
        if outcome == b"conflict":
            raise AlreadyPublishedOtherwise
        return Published(Position(epoch.decode(), number), is_repeat=outcome == b"repeated")

    async def position(self, organization_id: str, channel: Channel) -> Position:
        """Where a channel that counts offsets stands now; raises `RelayUnavailable`."""
        keys = [meta_key(organization_id, channel), channel_key(organization_id, channel)]
        is_passing = channel.kind in _PASSING_KINDS
        life = PASSING_META_LIVES_WHEN_ASKED_FOR if is_passing else self._meta_life(channel)
        _, epoch, offset = await self._call(keys, (_milliseconds(life), "", 0, 0, 0, "", 0, 0, 0))
        return Position(epoch.decode(), offset)

    async def check(self) -> None:
        """Raises when Redis does not answer; a readiness check."""
        connection = await self._connection()
        try:
            await connection.send_command("PING")
            await connection.read_response()
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        await self._pool.aclose()

    def _meta_life(self, channel: Channel) -> timedelta:
        """Longer than the stream's: without its epoch a stream would be dropped before its time."""
        is_passing = channel.kind in _PASSING_KINDS
        return self._history_age + (PASSING_META_OUTLIVES_HISTORY_BY if is_passing else META_OUTLIVES_HISTORY_BY)

    async def _call(self, keys: list[str], arguments: tuple[Any, ...]) -> tuple[bytes, bytes, int]:
        try:
            connection = await self._connection()
            try:
                return await self._evaluate(connection, keys, arguments)
            except BaseException:
                # Half-read answers must not meet the next caller.
                await connection.disconnect(nowait=True)
                raise
            finally:
                await self._pool.release(connection)
        except (RedisError, OSError) as error:
            raise RelayUnavailable from error

    async def _connection(self) -> IncarnatedConnection:
        connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        assert isinstance(connection, IncarnatedConnection)  # noqa: S101 - the pool makes no others
        return connection

    async def _evaluate(
        self, connection: IncarnatedConnection, keys: list[str], arguments: tuple[Any, ...]
    ) -> tuple[bytes, bytes, int]:
        """Run the script on one connection, whose run id is the one that the script is told."""
        epochs = secrets.token_hex(4), secrets.token_hex(4)
        rest = (len(keys), *keys, connection.run_id, *epochs, *self._bounds, *arguments)
        try:
            await connection.send_command("EVALSHA", self._digest, *rest)
            answer = await connection.read_response()
        except NoScriptError:
            await connection.send_command("EVAL", self._script, *rest)
            answer = await connection.read_response()
        outcome, epoch, number = answer
        return outcome, epoch, number


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
