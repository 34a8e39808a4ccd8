"""Runs last: it spends the attempts that one address has in a minute."""

import httpx
from callboard_testkit.compose import Compose
from callboard_testkit.suite import Addresses

ATTEMPTS = 60
"""SOCIAL_FAILED_UPGRADES_PER_MINUTE."""
SOCKET = "/api/socials/ws"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Authorization": "Bearer nonsense",
    "X-Forwarded-For": "203.0.113.77",
}


async def test_services_know_clients_apart_behind_the_gateway_whatever_these_claim(
    compose: Compose, addresses: Addresses, http: httpx.AsyncClient
) -> None:
    """Would they not believe the gateway, all clients were one; would they believe clients, these two were."""
    curl = ["curl", "-s", "--http1.1", "-o", "/dev/null", "-w", "%{http_code}\\n"]
    for name, value in UPGRADE.items():
        curl += ["-H", f"{name}: {value}"]
    numbered = f"http://gateway:8080/social{SOCKET}?n=[1-{ATTEMPTS + 1}]"
    run = ["run", "--rm", "--no-deps", "-T", "--entrypoint", curl[0], "e2e", *curl[1:]]
    assert compose.run(*run, numbered).split()[-1] == "429"
    assert (await http.get(f"{addresses.social}{SOCKET}", headers=UPGRADE)).status_code == 401
