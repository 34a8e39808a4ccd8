"""Seed 002: a browser that upgrades with the cookie of another system, a Directus."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from callboard_testkit.directus import COOKIE
from callboard_testkit.native_client import NativeClient, open_socket
from callboard_testkit.suite import Account, Addresses
from callboard_testkit.waiting import eventually
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

PAGE = "https://board.example"
PATHS = ["/social/api/socials/ws", "/api/socials/ws", "/ws"]
VIOLATION = {"type": "error", "code": "protocol-violation", "message": "Invalid message envelope"}

SignIn = Callable[[Account], str]


class Watching(ClientConnection):
    """Counts the pings that come as frames."""

    pings = 0

    def process_event(self, event: Any) -> None:
        self.pings += isinstance(event, Frame) and event.opcode is Opcode.PING
        super().process_event(event)


@asynccontextmanager
async def browser(addresses: Addresses, cookie: str | None, path: str = PATHS[0]) -> AsyncIterator[NativeClient]:
    """An upgrade as a browser sends it: with its cookies and the origin of its page."""
    headers = {"Origin": PAGE} | ({} if cookie is None else {"Cookie": f"theme=dark; {COOKIE}={cookie}"})
    url = addresses.gateway.replace("http", "ws", 1) + path
    async with open_socket(url, additional_headers=headers, create_connection=Watching) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
async def test_the_cookie_opens_a_socket_that_hears_the_organisation(
    account: Account, addresses: Addresses, sign_in_to_directus: SignIn, path: str
) -> None:
    async with browser(addresses, sign_in_to_directus(account), path) as client:
        welcome = await client.receive()
        assert (welcome["type"], welcome["organizationId"]) == ("connected", account.organization["id"])
        assert (await account.update("task-1", "RUNNING")).is_success
        assert (await client.receive_until("execution-updated"))["data"]["taskId"] == "task-1"


@pytest.mark.parametrize("cookie", [None, "", "made-up", "a.b.c"])
async def test_without_a_good_cookie_the_upgrade_is_401(addresses: Addresses, cookie: str | None) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with browser(addresses, cookie):
            pass
    assert refusal.value.response.status_code == 401


async def test_the_cookie_counts_from_pages_of_allowed_origins_only(
    account: Account, addresses: Addresses, sign_in_to_directus: SignIn
) -> None:
    headers = {"Cookie": f"{COOKIE}={sign_in_to_directus(account)}", "Origin": "https://evil.example"}
    with pytest.raises(InvalidStatus) as refusal:
        async with open_socket(addresses.gateway.replace("http", "ws", 1) + PATHS[0], additional_headers=headers):
            pass
    assert refusal.value.response.status_code == 403


async def test_pings_come_as_frames_and_are_answered_as_frames(
    account: Account, addresses: Addresses, sign_in_to_directus: SignIn
) -> None:
    async with browser(addresses, sign_in_to_directus(account)) as client:
        await client.receive()
        watching = client.socket
        assert isinstance(watching, Watching)
        await eventually(lambda: watching.pings > 1)
        await (await client.socket.ping())
        assert await client.hears_nothing()


@pytest.mark.parametrize("envelope", ["not json", "[]", "{}", json.dumps({"type": "unheard-of"}), json.dumps(7)])
async def test_an_invalid_envelope_is_a_protocol_violation_and_the_socket_stays(
    account: Account, addresses: Addresses, sign_in_to_directus: SignIn, envelope: str
) -> None:
    async with browser(addresses, sign_in_to_directus(account)) as client:
        await client.receive()
        await client.socket.send(envelope)
        assert (await client.receive()).items() >= VIOLATION.items()
        assert await client.hears_nothing()


async def test_the_other_system_is_asked_for_native_sockets_alone(
    account: Account, addresses: Addresses, sign_in_to_directus: SignIn
) -> None:
    cookie = {"Cookie": f"{COOKIE}={sign_in_to_directus(account)}", "Origin": PAGE}
    answer = await account.http.post(f"{addresses.gateway}/social/api/socials/connect-token", headers=cookie)
    assert answer.status_code == 401
