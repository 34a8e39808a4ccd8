"""Clauses TICKET-*: ws-connect tokens."""

import asyncio
import time

import httpx
import jwt
import pytest
from callboard_testkit.native_client import open_socket
from callboard_testkit.suite import Account, Door


@pytest.mark.clause("TICKET-1")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_bearer_token_is_traded_for_a_ticket(account: Account, method: str) -> None:
    answer = await account.http.request(method, account.door.connect_token, headers=account.bearer)
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body == {"success": True, "token": body["token"], "expiresIn": 10}


@pytest.mark.clause("TICKET-1")
async def test_a_cookie_is_traded_for_a_ticket(account: Account) -> None:
    cookies = {"Cookie": f"auth_token={account.token}"}
    answer = await account.http.get(account.door.connect_token, headers=cookies)
    assert answer.status_code == httpx.codes.OK


@pytest.mark.clause("TICKET-1")
async def test_nobody_gets_a_ticket_without_a_credential(http: httpx.AsyncClient, door: Door) -> None:
    answer = await http.post(door.connect_token)
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert answer.json()["code"] == "not-authenticated"


@pytest.mark.clause("TICKET-2")
async def test_a_ticket_carries_who_asked_for_it(account: Account) -> None:
    ticket = await account.ticket()
    assert jwt.get_unverified_header(ticket)["typ"] == "ws-connect+jwt"
    claims = jwt.decode(ticket, options={"verify_signature": False})
    primary = jwt.decode(account.token, options={"verify_signature": False})
    assert claims["type"] == "ws-connect"
    assert {name: claims[name] for name in ("user_id", "login", "org", "role", "kind", "sid")} == {
        name: primary[name] for name in ("user_id", "login", "org", "role", "kind", "sid")
    }
    assert claims["identityExp"] == primary["exp"]
    assert claims["identityIat"] == primary["iat"]
    assert claims["exp"] == claims["iatMs"] // 1000 + 11
    assert claims["aud"] != primary["aud"]
    assert claims["jti"]


@pytest.mark.clause("TICKET-3")
async def test_a_second_redemption_is_refused(account: Account) -> None:
    ticket = await account.ticket()
    async with open_socket(account.door.socket, ticket) as first:
        assert (await first.receive())["type"] == "connected"
        async with open_socket(account.door.socket, ticket) as second:
            assert await second.closed() == (4401, "Token already used")
        assert await first.hears_nothing()


@pytest.mark.clause("TICKET-4")
@pytest.mark.timeout(30)
async def test_a_ticket_of_ten_seconds_ago_is_refused(account: Account) -> None:
    minted = time.monotonic()
    ticket = await account.ticket()
    # The clause is about time itself: there is no condition to wait on but the clock.
    await asyncio.sleep(10.2 - (time.monotonic() - minted))
    async with open_socket(account.door.socket, ticket) as client:
        assert await client.closed() == (4401, "Invalid or expired token")


@pytest.mark.clause("TICKET-5")
async def test_a_primary_token_is_not_a_ticket(account: Account) -> None:
    async with open_socket(f"{account.door.socket}?token={account.token}") as client:
        assert await client.closed() == (4401, "Invalid token type")
