import asyncio
from collections.abc import Callable

import httpx
from callboard_auth.app import create_app
from callboard_auth.settings import AuthSettings
from callboard_auth.tables import UserRow
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.database import Database
from callboard_testkit.running import running
from fastapi import FastAPI
from sqlalchemy import select

PASSWORD = "a fine long password"


async def test_login_name_and_email_both_sign_in_whatever_their_case(
    ada: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    for name in ("ada", "ADA", "ada@example.com", "Ada@Example.COM"):
        client.cookies.clear()
        answer = await client.post("/api/login", json={"login": name, "password": PASSWORD})

        assert answer.status_code == 200
        assert answer.json()["user"]["login"] == "ada"
        assert answer.json()["organization"]["name"] == "Engines"
        assert client.cookies["auth_token"] == answer.json()["token"]
        assert (await client.get("/api/users/me")).status_code == 200


async def test_each_login_opens_a_session_of_its_own(ada: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    await client.post("/api/login", json={"login": "ada", "password": PASSWORD})

    assert (await ada.post("/api/logout")).status_code == 204

    assert (await client.get("/api/users/me")).status_code == 200


async def test_unknown_user_and_wrong_password_get_the_same_answer(
    ada: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    wrong = await client.post("/api/login", json={"login": "ada", "password": "not her password"})
    unknown = await client.post("/api/login", json={"login": "nobody", "password": "not her password"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == "invalid-credentials"
    assert wrong.json() | {"requestId": ""} == unknown.json() | {"requestId": ""}
    assert "set-cookie" not in wrong.headers


ORIGINS: list[tuple[dict[str, str], int]] = [
    ({}, 200),
    ({"Origin": "http://localhost:8080"}, 200),
    ({"Origin": "http://127.0.0.1:8080"}, 200),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Origin": "http://localhost:8081"}, 403),
    ({"Origin": "https://localhost:8080"}, 403),
    ({"Origin": "http://localhost:8080.evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
]


async def test_login_is_open_to_programs_and_to_allowed_origins_only(
    ada: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    for headers, status in ORIGINS:
        answer = await client.post("/api/login", json={"login": "ada", "password": PASSWORD}, headers=headers)

        assert answer.status_code == status, headers


async def test_login_renews_a_hash_whose_parameters_have_changed(
    ada: httpx.AsyncClient,
    settings: AuthSettings,
    make_settings: Callable[..., AuthSettings],
    database: Database,
) -> None:
    stronger = make_settings(
        database_url=settings.database_url, redis_url=settings.redis_url, argon2_memory_kib=64, argon2_time_cost=2
    )
    async with running(create_app(stronger)) as address, httpx.AsyncClient(base_url=address) as client:
        for _ in range(2):
            answer = await client.post("/api/login", json={"login": "ada", "password": PASSWORD})
            assert answer.status_code == 200

    async with database.read() as unit:
        stored = await unit.scalar(select(UserRow.password_hash))
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=64,t=2,p=1$")


async def test_flood_of_logins_is_told_to_come_back_and_counted(
    make_settings: Callable[..., AuthSettings], migrated_sqlite_url: str, redis_url: str
) -> None:
    slow = make_settings(
        database_url=migrated_sqlite_url,
        redis_url=redis_url,
        argon2_memory_kib=19_456,
        argon2_time_cost=4,
        password_workers=1,
        password_waiters=1,
    )
    app = create_app(slow)
    async with running(app) as address, httpx.AsyncClient(base_url=address) as client:
        wish = {"login": "nobody", "password": PASSWORD}
        answers = await asyncio.gather(*(client.post("/api/login", json=wish) for _ in range(12)))
        after = await client.post("/api/login", json=wish)

    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {401, 503}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert after.status_code == 401
    assert _logins(app, "unavailable") == len(refused)


async def test_logins_are_counted_by_outcome(ada: httpx.AsyncClient, client: httpx.AsyncClient, app: FastAPI) -> None:
    await client.post("/api/login", json={"login": "ada", "password": PASSWORD})
    await client.post("/api/login", json={"login": "ada", "password": "wrong"})

    assert _logins(app, "success") == 1
    assert _logins(app, "invalid-credentials") == 1


def _logins(app: FastAPI, outcome: str) -> float | None:
    return telemetry_of(app).registry.get_sample_value("callboard_auth_logins_total", {"outcome": outcome})
