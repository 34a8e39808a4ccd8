"""A follower of the revocation stream: complete only when told so, and never the wiser for a lost connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.keys import REVOCATIONS
from callboard_contracts.revocations import Revocation, RevocationKind
from callboard_servicekit import redis_connection, revocations
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.revocations import CLOCK_SKEW, DEAF_AFTER_SECONDS, Revocations
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete, publish_revocation
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

TOKEN_LIFE = timedelta(minutes=15)


class Clock:
    """Stands still unless it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Follower:
    def __init__(self, redis: Redis) -> None:
        self.clock = Clock(10_000.0)
        self.stopwatch = Clock(0.0)
        self.heard: list[Revocation] = []
        self.set = Revocations(redis, token_life=TOKEN_LIFE, clock=self.clock, stopwatch=self.stopwatch)
        self.set.listen(self.heard.append)

    async def is_revoked(self, **fields: Any) -> bool:
        return await self.set.is_revoked(identity(**fields))

    async def has_heard(self, count: int) -> None:
        await eventually(lambda: len(self.heard) >= count)

    async def becomes_complete(self) -> None:
        await eventually(lambda: self.set.is_complete)


def identity(user: str = "user-1", session: str | None = "session-1", issued_at: int = 9_000) -> Identity:
    return Identity(
        user_id=user,
        login="ada",
        organization_id="org-1",
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        session_id=session,
        issued_at=issued_at,
        expires_at=issued_at + 900,
    )


@asynccontextmanager
async def following(url: str) -> AsyncIterator[Follower]:
    redis = connect(url)
    follower = Follower(redis)
    task = asyncio.create_task(follower.set.run())
    try:
        yield follower
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.5)
        await redis.aclose()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "BLOCK_MILLISECONDS", 20)
    monkeypatch.setattr(revocations, "RECONNECT_SECONDS", 0.01)


@pytest.fixture
async def follower(redis: Redis, redis_url: str) -> AsyncIterator[Follower]:
    """A follower of an empty stream that has been declared complete."""
    async with following(redis_url) as follower:
        await declare_revocations_complete(redis)
        await follower.becomes_complete()
        yield follower


async def test_nobody_is_let_in_on_the_strength_of_an_empty_set(redis: Redis, redis_url: str) -> None:
    async with following(redis_url) as follower:
        await publish_revocation(redis, kind="sid", id="another")
        await publish_revocation(redis, kind="republished", id="run-id-of-another-redis")
        await follower.has_heard(1)
        with pytest.raises(Unavailable):
            await follower.set.check()
        with pytest.raises(Unavailable):
            await follower.is_revoked()
        await declare_revocations_complete(redis)
        await follower.becomes_complete()
        assert not await follower.is_revoked()


async def test_what_was_said_before_the_follower_came_counts(redis: Redis, redis_url: str) -> None:
    for number in range(2_500):
        await publish_revocation(redis, kind="sid", id=f"session-{number}", at=9_900)
    await declare_revocations_complete(redis)
    async with following(redis_url) as follower:
        await follower.becomes_complete()
        assert await follower.is_revoked(session="session-0")
        assert await follower.is_revoked(session="session-2499")
        assert not await follower.is_revoked(session="session-2500")


async def test_an_old_marker_does_not_vouch_for_what_has_not_been_read(redis: Redis, redis_url: str) -> None:
    await declare_revocations_complete(redis)
    for number in range(2_500):
        await publish_revocation(redis, kind="sid", id=f"session-{number}", at=9_900)
    async with following(redis_url) as follower:
        complete_after: list[int] = []
        follower.set.listen(lambda _: complete_after.append(len(follower.heard)) if follower.set.is_complete else None)
        await follower.becomes_complete()
        assert len(follower.heard) == 2_500
        assert min(complete_after) >= 2_000  # in the last page, which is not a full one
        assert await follower.is_revoked(session="session-2499")


async def test_an_ended_session_is_refused_and_no_other(follower: Follower, redis: Redis) -> None:
    await publish_revocation(redis, kind="sid", id="session-1", at=9_900)
    await follower.has_heard(1)
    assert await follower.is_revoked()
    assert await follower.is_revoked(issued_at=9_999)
    assert not await follower.is_revoked(session="session-2")
    assert not await follower.is_revoked(session=None)


async def test_of_a_revoked_user_the_tokens_issued_until_then_are_refused(follower: Follower, redis: Redis) -> None:
    await publish_revocation(redis, kind="user", id="user-1", at=9_500)
    await follower.has_heard(1)
    assert await follower.is_revoked(issued_at=9_499)
    assert await follower.is_revoked(issued_at=9_500, session=None)
    assert not await follower.is_revoked(issued_at=9_501)
    assert not await follower.is_revoked(user="user-2", issued_at=9_499)


async def test_an_older_word_on_a_user_does_not_take_back_a_newer_one(follower: Follower, redis: Redis) -> None:
    for at in (9_500, 9_400):
        await publish_revocation(redis, kind="user", id="user-1", at=at)
    await follower.has_heard(2)
    assert await follower.is_revoked(issued_at=9_450)


async def test_listeners_hear_each_word_once_and_in_order(follower: Follower, redis: Redis) -> None:
    for number in range(5):
        await publish_revocation(redis, kind="sid", id=f"s{number}", at=9_900)
    await follower.has_heard(5)
    assert [(word.kind, word.id, word.org) for word in follower.heard] == [
        (RevocationKind.SID, f"s{number}", "org-1") for number in range(5)
    ]


async def test_a_word_is_forgotten_when_no_token_of_its_time_can_be_alive(follower: Follower, redis: Redis) -> None:
    await publish_revocation(redis, kind="sid", id="session-1", at=10_000)
    await follower.has_heard(1)
    follower.clock.now = 10_000 + (TOKEN_LIFE + CLOCK_SKEW).total_seconds()
    await publish_revocation(redis, kind="sid", id="session-2", at=11_000)
    await follower.has_heard(2)
    assert await follower.is_revoked()
    follower.clock.now += 1

    async def is_forgotten() -> bool:
        return not await follower.is_revoked()

    await eventually(is_forgotten)
    assert await follower.is_revoked(session="session-2")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "unknown", "id": "x", "org": "o", "at": "1"},
        {"kind": "sid", "id": "x", "org": "o", "at": "soon"},
        {"kind": "sid"},
        {"nothing": "at all"},
        {b"kind": b"\xff\xfe", b"id": b"\xff", b"org": b"", b"at": b"1"},
    ],
)
async def test_an_entry_that_cannot_be_read_is_passed_over(
    follower: Follower, redis: Redis, fields: dict[Any, Any]
) -> None:
    await redis.xadd(REVOCATIONS, fields)
    await publish_revocation(redis, kind="sid", id="session-1", at=9_900)
    await follower.has_heard(1)
    assert await follower.is_revoked()


async def test_a_broken_connection_is_mended_and_nothing_is_missed(follower: Follower, redis: Redis) -> None:
    for number in range(5):
        await redis.client_kill_filter(_type="normal", skipme=True)
        await publish_revocation(redis, kind="sid", id=f"s{number}", at=9_900)
    await follower.has_heard(5)
    assert [word.id for word in follower.heard] == [f"s{number}" for number in range(5)]
    assert follower.set.is_complete


async def test_a_follower_that_hears_nothing_for_a_while_lets_nobody_in(
    own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_connection, "TIMEOUT_SECONDS", 0.2)
    async with following(own_redis.url) as follower:
        async with Redis.from_url(own_redis.url) as redis:
            await declare_revocations_complete(redis)
        await follower.becomes_complete()
        own_redis.freeze()
        assert not await follower.is_revoked()
        follower.stopwatch.now += DEAF_AFTER_SECONDS + 0.1
        await eventually(lambda: not follower.set.is_complete)
        with pytest.raises(Unavailable):
            await follower.is_revoked()
        own_redis.thaw()
        await follower.becomes_complete()


async def test_after_a_restart_of_redis_the_set_is_incomplete_until_auth_has_spoken(own_redis: RedisServer) -> None:
    async with following(own_redis.url) as follower:
        async with Redis.from_url(own_redis.url) as redis:
            await publish_revocation(redis, kind="sid", id="session-1", at=9_900)
            await declare_revocations_complete(redis)
        await follower.becomes_complete()
        own_redis.stop()
        own_redis.start()
        await eventually(lambda: not follower.set.is_complete)
        async with Redis.from_url(own_redis.url) as redis:
            await publish_revocation(redis, kind="sid", id="session-2", at=9_900)
            await declare_revocations_complete(redis)
        await follower.becomes_complete()
        assert await follower.is_revoked(session="session-1")
        assert await follower.is_revoked(session="session-2")


async def test_a_redis_whose_clock_is_behind_is_heard_as_well(own_redis: RedisServer) -> None:
    async with following(own_redis.url) as follower:
        async with Redis.from_url(own_redis.url) as redis:
            far_ahead = f"{2**42}-1"
            await redis.xadd(REVOCATIONS, {"kind": "sid", "id": "old", "org": "o", "at": "9900"}, id=far_ahead)
            await declare_revocations_complete(redis)
            await follower.becomes_complete()
            await redis.delete(REVOCATIONS)
        own_redis.stop()
        own_redis.start()
        async with Redis.from_url(own_redis.url) as redis:
            await publish_revocation(redis, kind="sid", id="session-1", at=9_900)
            await declare_revocations_complete(redis)
        await eventually(lambda: any(word.id == "session-1" for word in follower.heard))
        await follower.becomes_complete()
        assert await follower.is_revoked()


async def test_a_redis_that_is_not_there_yet_is_waited_for(own_redis: RedisServer) -> None:
    own_redis.stop()
    async with following(own_redis.url) as follower:
        with suppress(TimeoutError):
            await eventually(lambda: follower.set.is_complete, patience=0.05)
        assert not follower.set.is_complete
        own_redis.start()
        async with Redis.from_url(own_redis.url) as redis:
            await declare_revocations_complete(redis)
        await follower.becomes_complete()
