"""The lists of who is here, in Redis: per scope one sorted set of entries, scored with when they run out.

The score is in milliseconds by Redis' own clock, since the clocks of nodes differ. A list is gone with its last entry:
its key runs out too. Who reads a list removes what has run out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from callboard_contracts.events import BusEvent, EventType, Origin
from callboard_contracts.keys import channel_key
from callboard_contracts.positions import Position
from callboard_contracts.wire import format_time
from callboard_servicekit.redis_connection import run_id
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from callboard_social.presence.attendance import Stay, Update
from callboard_social.presence.entry import Scope, read_entry

ENTRIES_PER_COMMAND = 500
"""Redis serves nobody else during a command."""
REMEMBERED_ENTRIES = 65_536
"""Bound of the entries that are not parsed again: nearly all of a list are as they were a second ago."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment by Redis' clock, in milliseconds since 1970, and which incarnation of Redis said so."""

    milliseconds: int
    incarnation: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Who is here, login by user id, and in how many seconds the first entry runs out; None when there is none."""

    present: dict[str, str]
    seconds_left: float | None


class Register:
    """Writes and reads the lists. Everything may be sent again; each method raises RedisError or OSError.

    `redis` comes from `callboard_servicekit.redis_connection.connect`.
    """

    def __init__(self, redis: Redis, node: str, *, life: timedelta, patience: timedelta) -> None:
        self._redis = redis
        self._life = _milliseconds(life)
        self._patience = _milliseconds(patience)
        self._origin = Origin(connection=node)
        self._read_entry = lru_cache(REMEMBERED_ENTRIES)(read_entry)

    async def now(self) -> Instant:
        async with self._redis.client() as single:
            incarnation = await run_id(single)
            seconds, microseconds = await single.time()
        return Instant(seconds * 1000 + microseconds // 1000, incarnation)

    async def write(self, now: Instant, updates: Sequence[Update], renewed: Iterable[tuple[Scope, list[str]]]) -> None:
        """Tell Redis what changed and what goes on, in one pipeline; then tell the other nodes what changed."""
        pipeline = self._redis.pipeline(transaction=False)
        for scope, entries in renewed:
            self._keep(pipeline, scope, entries, now)
        for update in updates:
            self._keep(pipeline, update.scope, _entries(update.came), now)
            for entries in _chunks(_entries(update.left)):
                pipeline.zrem(update.scope.key, *entries)
            for entries in _chunks(_entries(update.dropped)):
                # Never longer than it had, and not again what has run out since: a write that failed comes late.
                scores = dict.fromkeys(entries, now.milliseconds + self._patience)
                pipeline.zadd(update.scope.key, scores, xx=True, lt=True)
            self._poke(pipeline, update.scope)
        if len(pipeline):
            await pipeline.execute()

    def _keep(self, pipeline: Pipeline, scope: Scope, entries: list[str], now: Instant) -> None:
        for chunk in _chunks(entries):
            pipeline.zadd(scope.key, dict.fromkeys(chunk, now.milliseconds + self._life))
        if entries:
            pipeline.pexpire(scope.key, self._life)

    def _poke(self, pipeline: Pipeline, scope: Scope) -> None:
        poke = BusEvent(
            position=str(Position("0", 0)),
            type=EventType.PRESENCE_CHANGED,
            at=format_time(datetime.now(UTC)),
            data={},
            origin=self._origin,
        )
        message = poke.model_dump_json(by_alias=True, exclude_none=True)
        for channel in scope.heard_in:
            pipeline.publish(channel_key(scope.organization_id, channel), message)

    async def read(self, now: Instant, scopes: Sequence[Scope]) -> dict[Scope, Reading]:
        """Read these lists, in one pipeline, without what has run out."""
        pipeline = self._redis.pipeline(transaction=False)
        for scope in scopes:
            pipeline.zremrangebyscore(scope.key, "-inf", now.milliseconds)
            pipeline.zrange(scope.key, 0, -1)
            pipeline.zrange(scope.key, 0, 0, withscores=True)
        answers = await pipeline.execute()
        return {
            scope: self._reading(now, entries, first)
            for scope, entries, first in zip(scopes, answers[1::3], answers[2::3], strict=True)
        }

    def _reading(self, now: Instant, entries: list[bytes], first: list[tuple[bytes, float]]) -> Reading:
        found = [self._read_entry(raw) for raw in entries]
        present = {entry.user_id: entry.login for entry in found if entry is not None}
        seconds_left = (first[0][1] - now.milliseconds) / 1000 if first else None
        return Reading(present, seconds_left)


def _entries(stays: dict[str, Stay]) -> list[str]:
    return [stay.entry for stay in stays.values()]


def _chunks(entries: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(entries), ENTRIES_PER_COMMAND):
        yield entries[start : start + ENTRIES_PER_COMMAND]


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
