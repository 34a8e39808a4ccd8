import asyncio
from collections.abc import Callable

import httpx
import pytest
from callboard_auth.app import create_app
from callboard_auth.settings import AuthSettings
from callboard_testkit.running import running

WISH = {
    "login": "Ada.L",
    "email": "Ada@example.com",
    "password": "a fine long password",
    "organizationName": "Engines",
}


async def test_sign_up_answers_a_session_of_the_owner_of_a_new_organisation(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/signup", json=WISH)

    assert answer.status_code == 201
    body = answer.json()
    assert body["tokenType"] == "Bearer"
    assert body["expiresIn"] == 900
    assert body["user"] == {
        "id": body["user"]["id"],
        "login": "Ada.L",
        "email": "Ada@example.com",
        "role": "owner",
        "kind": "user",
    }
    assert body["organization"]["name"] == "Engines"
    assert answer.headers["cache-control"] == "no-store"
    me = await client.get("/api/users/me", headers={"Authorization": f"Bearer {body['token']}"})
    assert me.json() == {"user": body["user"], "organization": body["organization"]}


async def test_session_cookies_are_hidden_from_scripts_and_from_other_sites(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/signup", json=WISH)

    primary, refresh = answer.headers.get_list("set-cookie")
    assert primary.startswith(f"auth_token={answer.json()['token']}; ")
    assert refresh.startswith("refresh_token=")
    for cookie, life in ((primary, "900"), (refresh, "2592000")):
        attributes = set(cookie.split("; ")[1:])
        assert attributes == {"HttpOnly", f"Max-Age={life}", "Path=/", "SameSite=lax"}


async def test_https_public_url_makes_secure_host_cookies_whatever_the_request_came_by(
    make_settings: Callable[..., AuthSettings], migrated_sqlite_url: str, redis_url: str
) -> None:
    settings = make_settings(
        database_url=migrated_sqlite_url, redis_url=redis_url, public_url="https://status.example.com"
    )
    async with running(create_app(settings)) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.post("/api/signup", json=WISH)
        token = answer.json()["token"]
        sibling = await client.get("/api/users/me", headers={"Cookie": f"auth_token={token}"})
        host = await client.get("/api/users/me", headers={"Cookie": f"__Host-auth_token={token}"})

    names = [cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")]
    assert names == ["__Host-auth_token", "__Host-refresh_token"]
    assert all("; Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert sibling.status_code == 401
    assert host.status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"login": "ADA.l", "email": "other@example.com"}, "login-taken"),
        ({"login": "other", "email": "aDA@EXAMPLE.com"}, "email-taken"),
    ],
)
async def test_login_and_email_exist_once_whatever_their_case(
    client: httpx.AsyncClient, change: dict[str, str], code: str
) -> None:
    await client.post("/api/signup", json=WISH)

    answer = await client.post("/api/signup", json=WISH | change)

    assert answer.status_code == 409
    assert answer.json()["code"] == code


async def test_one_of_many_simultaneous_sign_ups_with_one_login_wins(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(client.post("/api/signup", json=WISH | {"email": f"ada{n}@example.com"}) for n in range(6))
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"login-taken"}


async def test_nobody_signs_up_where_sign_up_is_closed(
    make_settings: Callable[..., AuthSettings], migrated_sqlite_url: str, redis_url: str
) -> None:
    settings = make_settings(database_url=migrated_sqlite_url, redis_url=redis_url, signup="closed")
    async with running(create_app(settings)) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.post("/api/signup", json=WISH)

    assert answer.status_code == 403
    assert answer.json()["code"] == "sign-up-closed"


async def test_sign_up_caused_by_another_site_is_refused(client: httpx.AsyncClient) -> None:
    for name, value in (("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")):
        answer = await client.post("/api/signup", json=WISH, headers={name: value})

        assert answer.status_code == 403
        assert answer.json()["code"] == "origin-refused"
        assert "set-cookie" not in answer.headers


BROKEN_RULES: list[dict[str, str]] = [
    {"password": "qwxyz"},
    {"password": "x" * 257},
    {"login": "§"},
    {"login": "with space"},
    {"login": "an@sign"},
    {"email": "nobody-at-all"},
    {"organizationName": "   "},
    {"organizationName": "x" * 129},
    {"surprise": "qwxyz"},
]


async def test_sign_up_that_breaks_a_rule_is_refused_without_an_echo(client: httpx.AsyncClient) -> None:
    for change in BROKEN_RULES:
        answer = await client.post("/api/signup", json=WISH | change)

        assert answer.status_code == 422, change
        problem = answer.json()
        assert problem["code"] == "invalid-request"
        [field] = change
        assert problem["errors"][0]["location"] == ["body", field if field in WISH else "(unknown name)"]
        assert next(iter(change.values())) not in str(problem["errors"])
