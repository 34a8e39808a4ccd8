"""The walk of seed 003, with curl and a plain WebSocket client, as it is written there."""

import asyncio
import json
import subprocess
from typing import Any

import pytest
from callboard_testkit.native_client import open_socket
from callboard_testkit.suite import PASSWORD, Account, Addresses


def curl(*arguments: str) -> Any:
    """What ``curl -s`` prints, read as JSON."""
    finished = subprocess.run(["curl", "-s", *arguments], check=True, capture_output=True, timeout=20)
    return json.loads(finished.stdout)


async def test_the_walk_of_the_seed(account: Account, addresses: Addresses) -> None:
    base = addresses.gateway
    body = json.dumps({"login": account.login, "password": PASSWORD})
    login = ("-X", "POST", f"{base}/auth/api/login", "-H", "Content-Type: application/json", "-d", body)
    jwt = (await asyncio.to_thread(curl, *login))["token"]
    mint = ("-X", "GET", f"{base}/social/api/socials/connect-token", "-H", f"Authorization: Bearer {jwt}")
    minted = await asyncio.to_thread(curl, *mint)
    assert minted["success"] is True
    socket = f"{base.replace('http', 'ws', 1)}/social/api/socials/ws"
    async with open_socket(f"{socket}?token={minted['token']}") as client:
        welcome = await client.receive()
        assert (welcome["type"], welcome["login"], welcome["message"]) == (
            "connected",
            account.login,
            "Welcome to Social WebSocket!",
        )
        await client.send(type="chat", content="Hello!")
        echo = await client.receive()
        assert (echo["type"], echo["data"]["content"]) == ("echo", "Hello!")
    async with open_socket(f"{socket}?token={minted['token']}") as again:
        assert await again.closed() == (4401, "Token already used")
    async with open_socket(f"{socket}?token={jwt}") as wrong:
        assert await wrong.closed() == (4401, "Invalid token type")
    refused = await asyncio.to_thread(curl, *upgrade_of(f"{base}/social/api/socials/ws"))
    assert (refused["status"], refused["detail"]) == (401, "Token required")


def upgrade_of(url: str) -> tuple[str, ...]:
    headers = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    return ("--http1.1", url, *(part for header in (*headers, key) for part in ("-H", header)))


@pytest.mark.parametrize("path", ["/api/login", "/auth/api/login"])
async def test_the_cookie_of_a_login_opens_a_socket(
    account: Account, addresses: Addresses, own_origin: str, path: str
) -> None:
    answer = await account.http.post(
        addresses.gateway + path,
        json={"login": account.login, "password": PASSWORD},
        headers={"Origin": own_origin},
    )
    cookie = answer.cookies["auth_token"]
    headers = {"Cookie": f"auth_token={cookie}", "Origin": own_origin}
    async with open_socket(account.door.socket, additional_headers=headers) as client:
        assert (await client.receive())["userId"] == account.user["id"]
