"""Clauses AUTH-*: people, organisations and sessions.

Sign-up and login are asked behind the gateway, which limits them by address; GATE-3 is its own test.
"""

from http.cookies import SimpleCookie

import httpx
import pytest
from callboard_testkit.native_client import Json, open_socket
from callboard_testkit.suite import PASSWORD, Account, Addresses, new_login, sign_up_body

FOREIGN_ORIGIN = "https://evil.example"


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    jar = SimpleCookie()
    for header in answer.headers.get_list("Set-Cookie"):
        jar.load(header)
    return jar


def assert_session(body: Json, login: str) -> None:
    assert body == {
        "token": body["token"],
        "tokenType": "Bearer",
        "expiresIn": 900,
        "user": {
            "id": body["user"]["id"],
            "login": login,
            "email": f"{login}@example.org",
            "role": "owner",
            "kind": "user",
        },
        "organization": {"id": body["organization"]["id"], "name": f"Organisation of {login}"},
    }


async def log_in(http: httpx.AsyncClient, addresses: Addresses, login: str, **headers: str) -> httpx.Response:
    body = {"login": login, "password": PASSWORD}
    answer = await http.post(f"{addresses.auth}/api/login", json=body, headers=headers)
    http.cookies.clear()
    return answer


async def refresh(account: Account, token: str, origin: str | None) -> httpx.Response:
    headers = {"Cookie": f"refresh_token={token}"} | ({"Origin": origin} if origin else {})
    answer = await account.http.post(f"{account.door.auth}/api/refresh", headers=headers)
    account.http.cookies.clear()
    return answer


@pytest.mark.clause("AUTH-1")
async def test_sign_up_makes_a_user_who_owns_an_organisation(http: httpx.AsyncClient, addresses: Addresses) -> None:
    login = new_login()
    answer = await http.post(f"{addresses.auth}/api/signup", json=sign_up_body(login))
    assert answer.status_code == httpx.codes.CREATED
    assert_session(answer.json(), login)
    assert set(cookies_of(answer)) == {"auth_token", "refresh_token"}


@pytest.mark.clause("AUTH-2")
async def test_a_taken_name_is_taken_whatever_its_case(http: httpx.AsyncClient, addresses: Addresses) -> None:
    login = new_login()
    await http.post(f"{addresses.auth}/api/signup", json=sign_up_body(login))
    body = sign_up_body(login)
    for changed in (
        {"login": login.upper(), "email": "a@example.org"},
        {"login": new_login(), "email": body["email"].upper()},
    ):
        answer = await http.post(f"{addresses.auth}/api/signup", json=body | changed)
        assert answer.status_code == httpx.codes.CONFLICT


@pytest.mark.clause("AUTH-3")
async def test_login_takes_the_login_name_or_the_e_mail_address(account: Account, addresses: Addresses) -> None:
    for login in (account.login, f"{account.login}@example.org", account.login.upper()):
        answer = await log_in(account.http, addresses, login)
        assert answer.status_code == httpx.codes.OK
        assert_session(answer.json(), account.login)
        assert set(cookies_of(answer)) == {"auth_token", "refresh_token"}


@pytest.mark.clause("AUTH-4")
async def test_a_wrong_password_and_an_unknown_login_look_the_same(account: Account, addresses: Addresses) -> None:
    url = f"{addresses.auth}/api/login"
    wrong = await account.http.post(url, json={"login": account.login, "password": "wrong"})
    unknown = await account.http.post(url, json={"login": new_login(), "password": PASSWORD})
    for answer in (wrong, unknown):
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.UNAUTHORIZED, "invalid-credentials")
        assert not answer.headers.get_list("Set-Cookie")
    assert wrong.json()["detail"] == unknown.json()["detail"]


@pytest.mark.clause("AUTH-5")
async def test_users_me_is_who_is_behind_the_token_or_the_cookie(account: Account) -> None:
    url = f"{account.door.auth}/api/users/me"
    expected = {"user": account.user, "organization": account.organization}
    assert (await account.get(url)).json() == expected
    assert (await account.http.get(url, headers={"Cookie": f"auth_token={account.token}"})).json() == expected
    assert (await account.http.get(url)).status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.clause("AUTH-6")
async def test_clients_of_directus_find_their_shape(account: Account) -> None:
    answer = await account.get(f"{account.door.auth}/users/me")
    assert answer.json() == {
        "data": {
            "id": account.user["id"],
            "email": account.user["email"],
            "role": "owner",
            "first_name": None,
            "last_name": None,
        }
    }


@pytest.mark.clause("AUTH-7")
async def test_cookies_are_for_the_browser_alone(account: Account, addresses: Addresses) -> None:
    for morsel in cookies_of(await log_in(account.http, addresses, account.login)).values():
        assert morsel["httponly"]
        assert morsel["samesite"].lower() == "lax"
        assert morsel["path"] == "/"
        assert not morsel["secure"]  # the suite under test has an http public URL
        assert not morsel["domain"]


@pytest.mark.clause("AUTH-8")
async def test_a_refresh_token_is_traded_for_the_next(account: Account, addresses: Addresses, own_origin: str) -> None:
    first = cookies_of(await log_in(account.http, addresses, account.login))["refresh_token"].value
    answer = await refresh(account, first, own_origin)
    assert answer.status_code == httpx.codes.OK
    assert_session(answer.json(), account.login)
    second = cookies_of(answer)["refresh_token"].value
    assert second != first
    assert (await refresh(account, second, own_origin)).status_code == httpx.codes.OK


@pytest.mark.clause("AUTH-9")
async def test_a_retry_gets_the_same_successor(account: Account, addresses: Addresses, own_origin: str) -> None:
    first = cookies_of(await log_in(account.http, addresses, account.login))["refresh_token"].value
    successors = {cookies_of(await refresh(account, first, own_origin))["refresh_token"].value for _ in range(3)}
    assert len(successors) == 1


@pytest.mark.clause("AUTH-10")
async def test_an_older_refresh_token_ends_its_session(account: Account, addresses: Addresses, own_origin: str) -> None:
    session = await log_in(account.http, addresses, account.login)
    first = cookies_of(session)["refresh_token"].value
    second = cookies_of(await refresh(account, first, own_origin))["refresh_token"].value
    third = cookies_of(await refresh(account, second, own_origin))["refresh_token"].value
    stolen = await refresh(account, first, own_origin)
    assert stolen.status_code == httpx.codes.UNAUTHORIZED
    assert (await refresh(account, third, own_origin)).status_code == httpx.codes.UNAUTHORIZED
    bearer = {"Authorization": f"Bearer {session.json()['token']}"}
    me = await account.http.get(f"{account.door.auth}/api/users/me", headers=bearer)
    assert me.status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.clause("AUTH-11")
async def test_logout_ends_tokens_and_sockets(account: Account) -> None:
    door = account.door
    unused = await account.ticket()
    async with account.socket() as client:
        answer = await account.post(f"{door.auth}/api/logout")
        assert answer.is_success
        assert await client.closed() == (4501, "session revoked")
    for url in (f"{door.auth}/api/users/me", f"{door.producer}/executions", door.connect_token):
        assert (await account.get(url)).status_code == httpx.codes.UNAUTHORIZED, url
    async with open_socket(door.socket, unused) as late:
        assert (await late.closed())[0] == 4401


@pytest.mark.clause("AUTH-11")
async def test_logout_on_the_cookie_clears_it(account: Account, own_origin: str) -> None:
    headers = {"Cookie": f"auth_token={account.token}", "Origin": own_origin}
    answer = await account.http.post(f"{account.door.auth}/api/logout", headers=headers)
    assert answer.is_success
    assert {name: morsel.value for name, morsel in cookies_of(answer).items()} == {
        "auth_token": "",
        "refresh_token": "",
    }


@pytest.mark.clause("AUTH-12")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": FOREIGN_ORIGIN}, 403),
        ({"Origin": FOREIGN_ORIGIN, "Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
async def test_other_sites_cannot_log_a_browser_in(
    account: Account, addresses: Addresses, headers: dict[str, str], status: int
) -> None:
    answer = await log_in(account.http, addresses, account.login, **headers)
    assert answer.status_code == status
    signed_up = await account.http.post(f"{addresses.auth}/api/signup", json=sign_up_body(new_login()), headers=headers)
    account.http.cookies.clear()
    assert signed_up.status_code == {200: 201, 403: 403}[status]


@pytest.mark.clause("AUTH-13")
@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "null"}, {"Origin": FOREIGN_ORIGIN}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_other_sites_cannot_act_on_a_cookie(account: Account, headers: dict[str, str]) -> None:
    door = account.door
    with_cookie = {"Cookie": f"auth_token={account.token}; refresh_token=x"} | headers
    for url in (
        f"{door.auth}/api/logout",
        f"{door.auth}/api/refresh",
        f"{door.auth}/api/v1/tokens",
        door.connect_token,
    ):
        answer = await account.http.post(url, json={"name": "x"}, headers=with_cookie)
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.FORBIDDEN, "origin-refused"), url


@pytest.mark.clause("AUTH-13")
async def test_ones_own_site_may_act_on_a_cookie(account: Account, own_origin: str) -> None:
    for headers in ({"Origin": own_origin}, {"Sec-Fetch-Site": "same-origin"}):
        with_cookie = {"Cookie": f"auth_token={account.token}"} | headers
        answer = await account.http.post(account.door.connect_token, headers=with_cookie)
        assert answer.status_code == httpx.codes.OK
