"""One suite in containers for the session: brought up from nothing, and removed with its data at the end.

COMPOSE is how compose is called (``docker compose``). It runs in a copy of the checkout, under a project name and on
ports of its own.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from callboard_testkit.compose import Compose
from callboard_testkit.suite import Account, Addresses, Door, sign_up
from callboard_testkit.waiting import free_port

from local.environment import SECRETS, read_environment_file

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 900.0
"""For a test and the images that it is the first to need."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "compose" in item.path.parts:
            item.add_marker(pytest.mark.timeout(PATIENCE_SECONDS))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of the repository, the ones not yet committed too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    folder = tmp_path_factory.mktemp("checkout")
    for name in filter(None, set(listed.stdout.decode().split("\0"))):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def ports() -> tuple[int, int]:
    """The gateway's, for HTTP and for TLS."""
    return free_port(), free_port()


@pytest.fixture(scope="session")
def prepared(checkout: Path, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """A project of which nothing exists yet, and of which nothing is left afterwards."""
    port, tls_port = ports
    places = {
        "status.example.com\n": f"localhost:{tls_port}\n",
        "status.example.com": "localhost",
        "CALLBOARD_BIND=0.0.0.0": "CALLBOARD_BIND=127.0.0.1",
        "CALLBOARD_PORT=80\n": f"CALLBOARD_PORT={port}\n",
        "CALLBOARD_TLS_PORT=443": f"CALLBOARD_TLS_PORT={tls_port}",
    }
    shims, project = tmp_path_factory.mktemp("shims"), f"callboard-test-{secrets.token_hex(3)}"
    compose = Compose.of(os.environ.get("COMPOSE") or "docker compose", checkout, shims, project, places)
    # Journeys sign up by the dozen, all from one address; the limit has tests of its own.
    (checkout / ".env").write_text(
        f"CALLBOARD_PORT={port}\nCALLBOARD_PUBLIC_URL=http://localhost:{port}\n"
        "CALLBOARD_SIGN_IN_RATE=1000r/s\nCALLBOARD_SIGN_IN_BURST=1000\n"
    )
    try:
        yield compose
    finally:
        if any(read_environment_file(checkout / ".env").get(name) for name in SECRETS):
            profiles = [word for profile in ("demo", "e2e", "tools") for word in ("--profile", profile)]
            compose.run(*profiles, "down", "-v", "--remove-orphans", "--rmi", "local")


@pytest.fixture(scope="session")
def compose(prepared: Compose) -> Compose:
    """Up and healthy, as the page says that one starts it."""
    page, heading = "docs/deploy.md", "On one machine, to try it"
    prepared.follow(page, heading, 0)
    prepared.follow(page, heading, 1)
    prepared.wait_until_healthy()
    return prepared


@pytest.fixture(scope="session")
def addresses(ports: tuple[int, int]) -> Addresses:
    """The gateway, as this machine reaches it; nothing behind it can be reached."""
    gateway = f"http://localhost:{ports[0]}"
    return Addresses(gateway, f"{gateway}/auth", f"{gateway}/social", f"{gateway}/producer", "", "", "")


@pytest.fixture
def door(addresses: Addresses) -> Door:
    return Door.gateway(addresses)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
async def account(compose: Compose, http: httpx.AsyncClient, addresses: Addresses, door: Door) -> Account:
    """Somebody who has just signed up."""
    assert compose.containers("gateway")
    return await sign_up(http, addresses, door)


@pytest.fixture(scope="session")
def journeys(compose: Compose) -> Callable[[], str]:
    """Run the journeys inside, as the page says; gives what they printed, and fails when one of them fails."""
    return lambda: compose.follow("docs/deploy.md", "On one machine, to try it", 3)
