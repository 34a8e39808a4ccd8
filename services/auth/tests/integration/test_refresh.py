import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
from callboard_auth.tables import RefreshTokenRow
from callboard_servicekit.database import Database
from sqlalchemy import select

ORIGIN = "http://localhost:8080"


async def refresh(client: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    """Present exactly this refresh token, whatever cookies the client has gathered."""
    client.cookies.clear()
    return await client.post("/api/refresh", headers={"Cookie": f"refresh_token={token}", "Origin": ORIGIN} | headers)


def successor_in(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.cookies["refresh_token"]


async def test_refresh_answers_a_session_and_both_cookies(ada: httpx.AsyncClient) -> None:
    before = dict(ada.cookies)

    answer = await ada.post("/api/refresh")

    assert answer.status_code == 200
    assert answer.json()["user"]["login"] == "ada"
    assert answer.json()["expiresIn"] == 900
    assert ada.cookies["auth_token"] == answer.json()["token"] != before["auth_token"]
    assert ada.cookies["refresh_token"] != before["refresh_token"]
    assert (await ada.get("/api/users/me")).status_code == 200


async def test_refresh_cookie_never_outlives_the_session(
    ada: httpx.AsyncClient, skip_time: Callable[[timedelta], None]
) -> None:
    skip_time(timedelta(days=29))

    answer = await ada.post("/api/refresh")

    life = answer.headers.get_list("set-cookie")[1].partition("Max-Age=")[2].partition(";")[0]
    assert 86_300 < int(life) <= 86_400


async def test_retry_within_ten_seconds_gets_the_very_same_successor(
    ada: httpx.AsyncClient, skip_time: Callable[[timedelta], None]
) -> None:
    token = ada.cookies["refresh_token"]
    first = successor_in(await refresh(ada, token))

    skip_time(timedelta(seconds=9))

    assert successor_in(await refresh(ada, token)) == first
    assert successor_in(await refresh(ada, first)) != first


async def test_simultaneous_refreshes_of_one_token_get_one_successor(
    ada: httpx.AsyncClient, database: Database
) -> None:
    token = ada.cookies["refresh_token"]

    answers = await asyncio.gather(*(refresh(ada, token) for _ in range(8)))

    assert len({successor_in(answer) for answer in answers}) == 1
    async with database.read() as unit:
        assert len((await unit.scalars(select(RefreshTokenRow))).all()) == 2


async def test_second_use_after_ten_seconds_ends_the_session_for_both_holders(
    ada: httpx.AsyncClient, skip_time: Callable[[timedelta], None], revoked: Callable[[], Awaitable[list[str]]]
) -> None:
    access = ada.cookies["auth_token"]
    token = ada.cookies["refresh_token"]
    successor = successor_in(await refresh(ada, token))
    skip_time(timedelta(seconds=11))

    thief = await refresh(ada, token)

    assert thief.status_code == 401
    assert thief.json()["code"] == "invalid-refresh-token"
    assert (await refresh(ada, successor)).status_code == 401
    me = await ada.get("/api/users/me", headers={"Authorization": f"Bearer {access}"})
    assert me.status_code == 401
    assert len(await revoked()) == 1


async def test_use_of_an_older_token_ends_the_session_even_within_ten_seconds(
    ada: httpx.AsyncClient, revoked: Callable[[], Awaitable[list[str]]]
) -> None:
    oldest = ada.cookies["refresh_token"]
    older = successor_in(await refresh(ada, oldest))
    newest = successor_in(await refresh(ada, older))

    assert (await refresh(ada, oldest)).status_code == 401

    assert (await refresh(ada, newest)).status_code == 401
    assert len(await revoked()) == 1


async def test_unknown_token_is_refused_and_ends_nothing(
    ada: httpx.AsyncClient, revoked: Callable[[], Awaitable[list[str]]]
) -> None:
    token = ada.cookies["refresh_token"]

    unknown = await refresh(ada, "A" * 43)

    assert unknown.status_code == 401
    assert unknown.json()["code"] == "invalid-refresh-token"
    successor_in(await refresh(ada, token))
    assert await revoked() == []


async def test_session_that_has_run_out_is_not_refreshed(
    ada: httpx.AsyncClient, skip_time: Callable[[timedelta], None]
) -> None:
    skip_time(timedelta(days=30))

    assert (await ada.post("/api/refresh")).status_code == 401


async def test_refresh_without_the_cookie_is_not_authenticated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/refresh", headers={"Origin": ORIGIN})

    assert answer.status_code == 401
    assert answer.json()["code"] == "not-authenticated"


async def test_refresh_needs_proof_of_an_allowed_origin(ada: httpx.AsyncClient) -> None:
    del ada.headers["Origin"]
    for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        answer = await ada.post("/api/refresh", headers=foreign)

        assert answer.status_code == 403
        assert answer.json()["code"] == "origin-refused"


async def test_only_hashes_of_refresh_tokens_are_stored(ada: httpx.AsyncClient, database: Database) -> None:
    tokens = [ada.cookies["refresh_token"]]
    tokens.append(successor_in(await refresh(ada, tokens[0])))

    async with database.read() as unit:
        rows = (await unit.scalars(select(RefreshTokenRow))).all()
    assert len(rows) == 2
    assert all(len(row.token_hash) == 32 for row in rows)
    assert not {row.token_hash for row in rows} & {token.encode() for token in tokens}
