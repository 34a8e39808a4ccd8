import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from callboard_auth.app import create_app
from callboard_auth.migrations import SCRIPTS
from callboard_auth.settings import AuthSettings
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.migrations import migrate
from callboard_testkit.postgres_server import PostgresServer
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import running
from callboard_testkit.waiting import eventually
from fastapi import FastAPI

PASSWORD = "a fine long password"
SIGN_UP = {"login": "ada", "email": "ada@example.com", "password": PASSWORD, "organizationName": "Engines"}


@pytest.fixture
async def exposed_app(
    make_settings: Callable[..., AuthSettings], own_postgres: PostgresServer, own_redis: RedisServer
) -> FastAPI:
    """Auth with a PostgreSQL and a Redis that the test may stop."""
    url = await own_postgres.create_database()
    await asyncio.to_thread(migrate, url, "auth", SCRIPTS)
    return create_app(make_settings(database_url=url, redis_url=own_redis.url))


@pytest.fixture
async def person(exposed_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running(exposed_app) as address,
        httpx.AsyncClient(base_url=address, headers={"Origin": "http://localhost:8080"}, timeout=20) as client,
    ):
        assert (await client.post("/api/signup", json=SIGN_UP)).status_code == 201
        yield client


async def calls(person: httpx.AsyncClient, token: str) -> list[httpx.Response]:
    """Every call that needs the database."""
    other = SIGN_UP | {"login": "grace", "email": "grace@example.com"}
    return [
        await person.post("/api/signup", json=other),
        await person.post("/api/login", json={"login": "ada", "password": PASSWORD}),
        await person.post("/api/refresh"),
        await person.get("/api/users/me"),
        await person.get("/users/me"),
        await person.get("/api/v1/tokens"),
        await person.post("/api/v1/tokens", json={"name": "ci"}),
        await person.post("/api/v1/sessions", json={"token": token}),
        await person.post("/api/logout"),
    ]


async def test_without_its_database_auth_says_come_back_and_goes_on_when_it_is_back(
    person: httpx.AsyncClient, exposed_app: FastAPI, own_postgres: PostgresServer
) -> None:
    token = (await person.post("/api/v1/tokens", json={"name": "ci"})).json()["token"]
    own_postgres.stop()

    answers = await calls(person, token)
    key_set = await person.get("/.well-known/jwks.json")
    failing = await telemetry_of(exposed_app).failing()

    assert [answer.status_code for answer in answers] == [503] * len(answers)
    assert {answer.headers["retry-after"] for answer in answers} == {"2"}
    assert {answer.json()["code"] for answer in answers} == {"unavailable"}
    assert key_set.status_code == 200
    assert failing == ["database"]

    own_postgres.start()

    async def is_ready() -> bool:
        return await telemetry_of(exposed_app).failing() == []

    await eventually(is_ready)
    assert [answer.status_code for answer in await calls(person, token)] == [201, *[200] * 5, 201, 200, 204]


async def test_start_of_the_database_is_an_outage_like_any_other(
    person: httpx.AsyncClient, own_postgres: PostgresServer
) -> None:
    own_postgres.stop()
    seen = {(await person.get("/api/users/me")).status_code}
    starting = asyncio.create_task(asyncio.to_thread(own_postgres.start))
    while not starting.done():
        seen.add((await person.get("/api/users/me")).status_code)

    async def is_back() -> bool:
        answer = await person.get("/api/users/me")
        seen.add(answer.status_code)
        return answer.status_code == 200

    await eventually(is_back)
    assert seen == {503, 200}


async def test_without_redis_auth_is_ready(
    person: httpx.AsyncClient, exposed_app: FastAPI, own_redis: RedisServer
) -> None:
    own_redis.stop()

    assert (await person.get("/api/users/me")).status_code == 200
    assert await telemetry_of(exposed_app).failing() == []


async def test_redis_that_hangs_keeps_nobody_from_signing_in(person: httpx.AsyncClient, own_redis: RedisServer) -> None:
    own_redis.freeze()

    login = await person.post("/api/login", json={"login": "ada", "password": PASSWORD})
    logout = await person.post("/api/logout")

    assert login.status_code == 200
    assert logout.status_code == 503
    own_redis.thaw()
    assert (await person.post("/api/logout")).status_code == 204
