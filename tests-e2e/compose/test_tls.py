"""The way from an empty server to `wss://`, with a certificate authority of our own in the place of the public one."""

import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from callboard_testkit.authority import Authority
from callboard_testkit.compose import Compose
from callboard_testkit.native_client import open_socket
from callboard_testkit.suite import Account, Addresses, Door, new_login, sign_up, sign_up_body
from callboard_testkit.waiting import eventually

PAGE, HEADING = "docs/deploy.md", "From an empty server to wss"
CHECKOUT = "/srv/callboard"
HOOK = re.compile(r"--deploy-hook '([^']+)'")
YEAR_SECONDS = 31_536_000
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Secured:
    """The suite under TLS, and who signs its certificates."""

    compose: Compose
    authority: Authority
    address: str
    plain_address: str

    def renew(self, lineage: Path) -> None:
        """A new certificate from the authority, put in place by the hook that certbot would run."""
        lineage.mkdir(exist_ok=True)
        certificate, key = self.authority.issue(lineage)
        certificate.rename(lineage / "fullchain.pem")
        key.rename(lineage / "privkey.pem")
        page = (self.compose.directory / PAGE).read_text()
        (hook,) = HOOK.findall(page)
        self.compose.any(
            "env", f"RENEWED_LINEAGE={lineage}", "sh", "-euc", hook.replace(CHECKOUT, str(self.compose.directory))
        )

    def serial(self) -> str:
        """Of the certificate that a client is shown now; empty when the client cannot trust it."""
        parts = urlsplit(self.address)
        context = self.authority.client_context("h2", "http/1.1")
        try:
            with (
                socket.create_connection((parts.hostname, parts.port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=parts.hostname) as line,
            ):
                return str((line.getpeercert() or {})["serialNumber"])
        except ssl.SSLError:
            return ""


@pytest.fixture(scope="module")
def secured(compose: Compose, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if os.geteuid() != 0:
        pytest.skip("only root can give the key to the gateway's user, as the page does")
    env_file = compose.directory / ".env"
    before = env_file.read_bytes()
    compose.follow(PAGE, HEADING, 0)
    compose.follow(PAGE, HEADING, 1)
    compose.wait_until_healthy()
    plain, tls = ports
    secured = Secured(compose, Authority(), f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{plain}")
    assert secured.serial() == "", "nobody trusts the certificate that is made at the start"
    secured.renew(tmp_path_factory.mktemp("lineage"))
    yield secured
    env_file.write_bytes(before)
    compose.up()


@pytest.fixture
async def client(secured: Secured) -> AsyncIterator[httpx.AsyncClient]:
    """It trusts the authority, and nobody else."""
    await eventually(lambda: secured.serial() != "", PATIENCE_SECONDS)
    async with httpx.AsyncClient(trust_env=False, timeout=20, verify=secured.authority.client_context()) as client:
        yield client


@pytest.fixture
async def user(secured: Secured, client: httpx.AsyncClient) -> Account:
    gateway = secured.address
    addresses = Addresses(gateway, f"{gateway}/auth", f"{gateway}/social", f"{gateway}/producer", "", "", "")
    return await sign_up(client, addresses, Door.gateway(addresses))


async def test_the_dashboard_is_served_over_http_2_and_bound_to_https(
    secured: Secured, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = (await client.get(secured.address)).raise_for_status()
    assert answer.headers["Strict-Transport-Security"] == f"max-age={YEAR_SECONDS}"
    secured.authority.write(tmp_path / "authority.pem")
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_version}", "--cacert", str(tmp_path / "authority.pem")]
    assert secured.compose.any(*curl, secured.address) == "2"


async def test_the_plain_port_shows_the_way_and_answers_the_authority(
    secured: Secured, client: httpx.AsyncClient, ports: tuple[int, int]
) -> None:
    shown = await client.post(f"{secured.plain_address}/auth/api/login?a=b", json={})
    assert (shown.status_code, shown.headers["Location"]) == (308, f"https://localhost:{ports[1]}/auth/api/login?a=b")
    asked = ".well-known/acme-challenge/a-token_of-19"
    challenge = secured.compose.directory / "var/acme" / asked
    challenge.parent.mkdir(parents=True)
    challenge.write_text("proof")
    assert (await client.get(f"{secured.plain_address}/{asked}")).text == "proof"


async def test_sockets_and_cookies_are_secure(secured: Secured, user: Account) -> None:
    url = user.door.socket.replace("https://", "wss://")
    async with open_socket(url, await user.ticket(), ssl=secured.authority.client_context()) as opened:
        assert (await opened.receive())["userId"] == user.user["id"]
    login = await user.http.post(f"{user.door.auth}/api/login", json={"login": user.login, "password": "wrong"})
    assert login.status_code == 401
    fresh = await user.http.post(f"{user.door.auth}/api/signup", json=sign_up_body(new_login()))
    cookies = fresh.raise_for_status().headers.get_list("Set-Cookie")
    assert len(cookies) == 2
    assert [cookie.partition("=")[0] for cookie in cookies if not cookie.startswith("__Host-")] == []
    assert all("; Secure" in cookie for cookie in cookies)


async def test_a_renewed_certificate_is_taken_without_a_restart_and_without_cutting_a_socket(
    secured: Secured, user: Account, tmp_path: Path
) -> None:
    (gateway,) = secured.compose.containers("gateway")
    before = secured.serial()
    url = user.door.socket.replace("https://", "wss://")
    async with open_socket(url, await user.ticket(), ssl=secured.authority.client_context()) as opened:
        assert (await opened.receive())["type"] == "connected"
        secured.renew(tmp_path / "lineage")
        await eventually(lambda: secured.serial() not in {"", before}, PATIENCE_SECONDS)
        assert await opened.hears_nothing()
    (now,) = secured.compose.containers("gateway")
    assert (now["Id"], now["State"]["StartedAt"]) == (gateway["Id"], gateway["State"]["StartedAt"])


async def test_the_door_is_closed_behind_the_first_one(secured: Secured, user: Account) -> None:
    secured.compose.follow(PAGE, HEADING, 2)
    secured.compose.wait_until_healthy()

    async def is_closed() -> bool:
        refused = await user.http.post(f"{user.door.auth}/api/signup", json=sign_up_body(new_login()))
        return refused.status_code == 403

    await eventually(is_closed, PATIENCE_SECONDS)
