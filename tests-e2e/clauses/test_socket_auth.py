"""Clauses WS-AUTH-*: who is let into a socket. Those that need settings are in social's own tests."""

import httpx
import pytest
from callboard_testkit.native_client import open_socket
from callboard_testkit.suite import Account, Door
from websockets.exceptions import InvalidStatus

ALLOWED_ORIGIN = "http://localhost:8080"


async def refusal(url: str, **options: object) -> httpx.Response:
    """The answer to an upgrade that must be refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(url, **options):  # type: ignore[arg-type]
            pass
    response = refused.value.response
    return httpx.Response(
        response.status_code, headers=dict(response.headers.raw_items()), content=bytes(response.body or b"")
    )


@pytest.mark.clause("WS-AUTH-1")
async def test_a_ticket_opens_a_socket_as_sub_protocol(account: Account) -> None:
    async with open_socket(account.door.socket, await account.ticket()) as client:
        assert client.socket.subprotocol == "callboard.v1"
        assert (await client.receive())["userId"] == account.user["id"]


@pytest.mark.clause("WS-AUTH-1")
async def test_a_ticket_opens_a_socket_in_the_query(account: Account) -> None:
    async with open_socket(f"{account.door.socket}?token={await account.ticket()}") as client:
        assert (await client.receive())["userId"] == account.user["id"]


@pytest.mark.clause("WS-AUTH-1")
async def test_a_primary_token_opens_a_socket_as_bearer(account: Account) -> None:
    async with open_socket(account.door.socket, additional_headers=account.bearer) as client:
        assert (await client.receive())["userId"] == account.user["id"]


@pytest.mark.clause("WS-AUTH-1")
async def test_the_cookie_opens_a_socket_from_an_allowed_origin(account: Account, own_origin: str) -> None:
    headers = {"Cookie": f"auth_token={account.token}", "Origin": own_origin}
    async with open_socket(account.door.socket, additional_headers=headers) as client:
        assert (await client.receive())["userId"] == account.user["id"]


@pytest.mark.clause("WS-AUTH-1")
async def test_the_first_credential_counts_even_when_a_later_one_is_good(account: Account) -> None:
    async with open_socket(account.door.socket, "not-a-ticket", additional_headers=account.bearer) as client:
        assert (await client.closed())[0] == 4401


@pytest.mark.clause("WS-AUTH-2")
async def test_without_a_credential_a_token_is_required(door: Door) -> None:
    answer = await refusal(door.socket)
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "Token required"


@pytest.mark.clause("WS-AUTH-3")
async def test_a_bad_bearer_token_and_a_bad_cookie_are_refused_before_the_upgrade(door: Door, own_origin: str) -> None:
    for headers in (
        {"Authorization": "Bearer nonsense"},
        {"Cookie": "auth_token=nonsense", "Origin": own_origin},
    ):
        answer = await refusal(door.socket, additional_headers=headers)
        assert answer.status_code == httpx.codes.UNAUTHORIZED
        assert answer.json()["code"] == "invalid-token"


@pytest.mark.clause("WS-AUTH-4")
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://localhost.evil.example:8080",
        "https://localhost:8080",
        "http://localhost:1",
    ],
)
async def test_a_cookie_from_a_foreign_origin_is_refused(account: Account, origin: str | None) -> None:
    headers = {"Cookie": f"auth_token={account.token}"} | ({"Origin": origin} if origin else {})
    answer = await refusal(account.door.socket, additional_headers=headers)
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert answer.json()["code"] == "origin-refused"


@pytest.mark.clause("WS-AUTH-4")
@pytest.mark.parametrize("origin", ["null", "https://elsewhere.example"])
async def test_a_ticket_is_good_from_any_origin(account: Account, origin: str) -> None:
    ticket = await account.ticket()
    async with open_socket(account.door.socket, ticket, additional_headers={"Origin": origin}) as client:
        assert (await client.receive())["type"] == "connected"


@pytest.mark.clause("WS-AUTH-5")
@pytest.mark.parametrize("ticket", ["nonsense", "a.b.c", "x" * 5000, "eyJhbGciOiJub25lIn0.e30."])
async def test_a_bad_ticket_is_told_so_in_a_close_frame(door: Door, ticket: str) -> None:
    async with open_socket(f"{door.socket}?token={ticket}") as client:
        code, reason = await client.closed()
    assert code == 4401
    assert reason in {"Invalid or expired token", "Invalid token type"}


@pytest.mark.clause("WS-AUTH-5")
async def test_a_tampered_ticket_is_refused_and_the_real_one_still_works(account: Account) -> None:
    ticket = await account.ticket()
    head, payload, signature = ticket.split(".")
    forged = ".".join((head, payload, signature[::-1]))
    async with open_socket(account.door.socket, forged) as client:
        assert await client.closed() == (4401, "Invalid or expired token")
    async with open_socket(account.door.socket, ticket) as client:
        assert (await client.receive())["type"] == "connected"


@pytest.mark.clause("WS-AUTH-11")
async def test_a_plain_request_is_told_to_upgrade(http: httpx.AsyncClient, door: Door) -> None:
    answer = await http.get(f"{door.social}/api/socials/ws")
    assert answer.status_code == httpx.codes.UPGRADE_REQUIRED
    assert answer.json()["code"] == "upgrade-required"
