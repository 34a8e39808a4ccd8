"""What the other services read of auth's word, in the way that they read it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from callboard_auth.app import create_app
from callboard_auth.metrics import AuthMetrics
from callboard_auth.organizations.repository import OrganizationRepository
from callboard_auth.revocations.publisher import TRIM_EVERY, RevocationPublisher
from callboard_auth.revocations.repository import RevocationRepository
from callboard_auth.settings import AuthSettings
from callboard_auth.tables import RefreshTokenRow, RevocationRow
from callboard_contracts.identity import Identity, PrimaryClaims
from callboard_contracts.keys import REVOCATIONS
from callboard_servicekit.database import Database
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.revocations import Revocations
from callboard_servicekit.supervision import supervised
from callboard_servicekit.telemetry import Telemetry
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import running
from callboard_testkit.waiting import eventually
from jwt import decode
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select

ORIGIN = "http://localhost:8080"
TOKEN_LIFE = timedelta(minutes=15)


def identity_of(token: str) -> Identity:
    return Identity.from_primary(PrimaryClaims.model_validate(decode(token, options={"verify_signature": False})))


@asynccontextmanager
async def following(url: str) -> AsyncIterator[Revocations]:
    """The set as social and producer keep it."""
    redis = connect(url)
    revocations = Revocations(redis, token_life=TOKEN_LIFE)
    try:
        async with supervised(lambda: None) as supervisor:
            supervisor.spawn("follow", revocations.run())
            yield revocations
    finally:
        await redis.aclose()


async def kinds(redis: Redis) -> list[str]:
    entries: Any = await redis.xrange(REVOCATIONS)
    return [fields[b"kind"].decode() for _, fields in entries]


async def test_other_services_know_a_logout_by_the_time_it_is_answered(
    person: httpx.AsyncClient, own_redis: RedisServer
) -> None:
    identity = identity_of(person.cookies["auth_token"])
    async with following(own_redis.url) as revocations:
        await eventually(lambda: revocations.is_complete)
        assert not await revocations.is_revoked(identity)

        assert (await person.post("/api/logout")).status_code == 204

        await eventually(lambda: revocations.is_revoked(identity))


async def test_redis_that_lost_everything_is_told_again_before_anyone_is_let_in(
    person: httpx.AsyncClient, own_redis: RedisServer
) -> None:
    identity = identity_of(person.cookies["auth_token"])
    await person.post("/api/logout")
    own_redis.stop()
    for path in own_redis.directory.glob("appendonly*"):
        for file in path.iterdir() if path.is_dir() else [path]:
            file.unlink()

    own_redis.start()

    async with following(own_redis.url) as revocations:
        await eventually(lambda: revocations.is_complete)
        assert await revocations.is_revoked(identity)


async def test_redis_that_was_emptied_is_told_again(person: httpx.AsyncClient, own_redis: RedisServer) -> None:
    identity = identity_of(person.cookies["auth_token"])
    await person.post("/api/logout")
    async with connect(own_redis.url) as redis:
        await eventually(lambda: _holds(redis, "republished"))
        await redis.flushall()

    async with following(own_redis.url) as revocations:
        await eventually(lambda: revocations.is_complete)
        assert await revocations.is_revoked(identity)


async def _holds(redis: Redis, kind: str) -> bool:
    return kind in await kinds(redis)


async def test_logout_without_redis_is_503_and_the_same_call_later_finishes_it(
    person: httpx.AsyncClient, own_redis: RedisServer
) -> None:
    identity = identity_of(person.cookies["auth_token"])
    own_redis.stop()

    refused = await person.post("/api/logout")

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "2"
    assert refused.json()["code"] == "unavailable"
    assert (await person.get("/api/users/me")).status_code == 401
    own_redis.start()
    assert (await person.post("/api/logout")).status_code == 204
    async with following(own_redis.url) as revocations:
        await eventually(lambda: revocations.is_complete)
        assert await revocations.is_revoked(identity)


async def test_what_could_not_be_published_is_published_without_another_call(
    person: httpx.AsyncClient, own_redis: RedisServer, database: Database
) -> None:
    own_redis.stop()
    assert (await person.post("/api/logout")).status_code == 503
    own_redis.start()

    async def is_published() -> bool:
        async with database.read() as unit:
            return (await unit.scalars(select(RevocationRow.published_at))).one() is not None

    await eventually(is_published)
    async with connect(own_redis.url) as redis:
        assert "sid" in await kinds(redis)


async def test_token_revocation_without_redis_is_503_and_the_same_call_later_finishes_it(
    person: httpx.AsyncClient, own_redis: RedisServer
) -> None:
    created = (await person.post("/api/v1/tokens", json={"name": "ci"})).json()
    own_redis.stop()

    assert (await person.delete(f"/api/v1/tokens/{created['id']}")).status_code == 503

    assert (await person.post("/api/v1/sessions", json={"token": created["token"]})).status_code == 401
    own_redis.start()
    assert (await person.delete(f"/api/v1/tokens/{created['id']}")).status_code == 204
    async with connect(own_redis.url) as redis:
        assert "sid" in await kinds(redis)


async def test_people_sign_in_without_redis(person: httpx.AsyncClient, own_redis: RedisServer) -> None:
    own_redis.stop()

    login = await person.post("/api/login", json={"login": "ada", "password": "long password"})
    refresh = await person.post("/api/refresh")
    me = await person.get("/api/users/me")

    assert [login.status_code, refresh.status_code, me.status_code] == [200, 200, 200]


async def test_stolen_refresh_token_is_refused_without_redis_and_told_later(
    person: httpx.AsyncClient, own_redis: RedisServer, skip_time: Callable[[timedelta], None]
) -> None:
    identity = identity_of(person.cookies["auth_token"])
    stolen = {"Cookie": f"refresh_token={person.cookies['refresh_token']}", "Origin": ORIGIN}
    await person.post("/api/refresh")
    person.cookies.clear()
    skip_time(timedelta(seconds=11))
    own_redis.stop()

    assert (await person.post("/api/refresh", headers=stolen)).status_code == 401

    own_redis.start()
    async with following(own_redis.url) as revocations:
        await eventually(lambda: revocations.is_complete)
        assert await revocations.is_revoked(identity)


async def test_sessions_and_tokens_that_run_out_are_ended_and_told(
    person: httpx.AsyncClient, own_redis: RedisServer, skip_time: Callable[[timedelta], None]
) -> None:
    identity = identity_of(person.cookies["auth_token"])
    expires_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    created = (await person.post("/api/v1/tokens", json={"name": "ci", "expiresAt": expires_at})).json()
    agent = identity.model_copy(update={"session_id": created["id"]})

    async with following(own_redis.url) as revocations:
        await eventually(lambda: revocations.is_complete)
        skip_time(timedelta(days=31))
        await eventually(lambda: revocations.is_revoked(identity))
        await eventually(lambda: revocations.is_revoked(agent))


async def test_what_nobody_can_use_any_more_is_forgotten(
    person: httpx.AsyncClient, database: Database, skip_time: Callable[[timedelta], None]
) -> None:
    async def rows() -> tuple[int, int]:
        async with database.read() as unit:
            tokens = await unit.scalar(select(func.count()).select_from(RefreshTokenRow))
            revocations = await unit.scalar(select(func.count()).select_from(RevocationRow))
            return tokens or 0, revocations or 0

    await person.post("/api/login", json={"login": "ada", "password": "long password"})
    await person.post("/api/logout")
    assert await rows() == (2, 1)

    skip_time(timedelta(hours=2))

    async def is_tidy() -> bool:
        return await rows() == (1, 0)

    await eventually(is_tidy)


async def test_two_replicas_tell_the_same_without_harm(
    make_settings: Callable[..., AuthSettings], migrated_url: str, own_redis: RedisServer, person: httpx.AsyncClient
) -> None:
    identity = identity_of(person.cookies["auth_token"])
    second = create_app(make_settings(database_url=migrated_url, redis_url=own_redis.url))
    async with running(second), following(own_redis.url) as revocations:
        await eventually(lambda: revocations.is_complete)
        await person.post("/api/logout")
        own_redis.stop()
        own_redis.start()
        await eventually(lambda: revocations.is_complete)
        assert await revocations.is_revoked(identity)


async def test_hourly_trim_takes_the_old_and_keeps_what_still_matters(
    migrated_sqlite_url: str, redis: Redis, redis_url: str
) -> None:
    now = datetime.now(UTC)
    hour_ago = int((now - TRIM_EVERY).timestamp() * 1000)
    await redis.xadd(REVOCATIONS, {"kind": "old"}, id=f"{hour_ago}-0")
    database, connection = Database(migrated_sqlite_url), connect(redis_url)
    moments = [now - TRIM_EVERY]
    metrics = AuthMetrics(Telemetry())
    publisher = RevocationPublisher(connection, database, metrics, token_life=TOKEN_LIFE, clock=lambda: moments[-1])
    # Whole nodes of a stream are trimmed, never parts of one.
    await redis.config_set("stream-node-max-entries", 1)
    try:
        await publisher.keep_up()
        before = await kinds(redis)
        moments.append(now)
        await publisher.keep_up()
    finally:
        await redis.config_set("stream-node-max-entries", 100)
        await connection.aclose()
        await database.close()

    assert before == ["old", "republished"]
    assert await kinds(redis) == ["republished", "republished"]


async def test_what_redis_has_not_been_told_is_counted_until_it_has(migrated_sqlite_url: str, redis_url: str) -> None:
    ended_at = datetime.now(UTC) - timedelta(seconds=30)
    database, telemetry = Database(migrated_sqlite_url), Telemetry()
    away, here = connect("redis://127.0.0.1:1/0"), connect(redis_url)

    def publisher(connection: Redis) -> RevocationPublisher:
        return RevocationPublisher(
            connection, database, metrics, token_life=TOKEN_LIFE, clock=lambda: datetime.now(UTC)
        )

    def sample(name: str) -> float | None:
        return telemetry.registry.get_sample_value(f"callboard_auth_{name}")

    metrics = AuthMetrics(telemetry)
    async with database.write() as unit:
        await OrganizationRepository(unit).add("org-1", "Engines", ended_at)
        await RevocationRepository(unit).add_session("session-1", "org-1", ended_at)
    with pytest.raises(RedisError):
        await publisher(away).publish_pending()
    assert (sample("revocations_pending"), sample("revocations_published_total")) == (1, 0)
    await publisher(here).publish_pending()
    await publisher(here).publish_pending()
    assert (sample("revocations_pending"), sample("revocations_published_total")) == (0, 1)
    assert 29 <= (sample("revocation_publish_seconds_sum") or 0) < 90
    for connection in (away, here):
        await connection.aclose()
    await database.close()
