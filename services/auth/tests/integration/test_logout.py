from collections.abc import Awaitable, Callable

import httpx
import jwt
from callboard_servicekit.app import telemetry_of
from fastapi import FastAPI

Revoked = Callable[[], Awaitable[list[str]]]
ORIGIN = {"Origin": "http://localhost:8080"}


def session_of(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sid"])


async def test_logout_ends_the_session_clears_both_cookies_and_tells_everybody(
    ada: httpx.AsyncClient, revoked: Revoked
) -> None:
    token = ada.cookies["auth_token"]

    answer = await ada.post("/api/logout")

    assert answer.status_code == 204
    assert answer.content == b""
    cleared = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cleared] == ["auth_token", "refresh_token"]
    assert all("Max-Age=0" in cookie for cookie in cleared)
    assert await revoked() == [session_of(token)]
    assert (await ada.get("/api/users/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_logout_by_bearer_token_needs_no_origin(
    ada: httpx.AsyncClient, client: httpx.AsyncClient, revoked: Revoked
) -> None:
    token = ada.cookies["auth_token"]

    answer = await client.post("/api/logout", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 204
    assert await revoked() == [session_of(token)]


async def test_refresh_cookie_alone_is_enough_to_log_out(
    ada: httpx.AsyncClient, client: httpx.AsyncClient, revoked: Revoked
) -> None:
    headers = {"Cookie": f"refresh_token={ada.cookies['refresh_token']}"} | ORIGIN

    answer = await client.post("/api/logout", headers=headers)

    assert answer.status_code == 204
    assert await revoked() == [session_of(ada.cookies["auth_token"])]


async def test_second_logout_succeeds_and_says_nothing_new(
    ada: httpx.AsyncClient, client: httpx.AsyncClient, revoked: Revoked, app: FastAPI
) -> None:
    headers = {"Cookie": f"auth_token={ada.cookies['auth_token']}"} | ORIGIN
    await client.post("/api/logout", headers=headers)

    assert (await client.post("/api/logout", headers=headers)).status_code == 204

    assert len(await revoked()) == 1
    ended = telemetry_of(app).registry.get_sample_value("callboard_auth_sessions_ended_total", {"reason": "logout"})
    assert ended == 1


async def test_logout_without_a_session_is_not_authenticated(client: httpx.AsyncClient) -> None:
    for credential in (
        {},
        {"Cookie": "auth_token=nonsense"},
        {"Cookie": "refresh_token=nonsense"},
        {"Authorization": "Bearer nonsense"},
    ):
        answer = await client.post("/api/logout", headers=credential | ORIGIN)

        assert answer.status_code == 401, credential


async def test_logout_on_cookies_needs_proof_of_an_allowed_origin(ada: httpx.AsyncClient, revoked: Revoked) -> None:
    del ada.headers["Origin"]
    for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        answer = await ada.post("/api/logout", headers=foreign)

        assert answer.status_code == 403
        assert answer.json()["code"] == "origin-refused"
    assert (await ada.get("/api/users/me")).status_code == 200
    assert await revoked() == []
