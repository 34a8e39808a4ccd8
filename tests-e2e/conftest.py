"""One suite for the whole session, started as `make up` starts it, in a directory and on ports of its own.

With E2E_GATEWAY it is the suite behind that address, which E2E_PUBLIC_ORIGIN calls by its public name. Journeys alone
run there: nothing behind the gateway can be reached.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from callboard_testkit.suite import Account, Addresses, Door, RunningSuite, sign_up, start_suite

ROOT = Path(__file__).parent.parent
TEST_SECONDS = 120
GIVEN_GATEWAY = os.environ.get("E2E_GATEWAY", "").rstrip("/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a run waits for its suite, which has a limit of its own; the test's is for the test."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    if GIVEN_GATEWAY:
        pytest.skip("only a suite that was started here has its logs and processes at hand")
    with start_suite(ROOT, tmp_path_factory.mktemp("suite")) as running:
        yield running


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> Addresses:
    if GIVEN_GATEWAY:
        gateway = GIVEN_GATEWAY
        return Addresses(gateway, f"{gateway}/auth", f"{gateway}/social", f"{gateway}/producer", "", "", "")
    suite: RunningSuite = request.getfixturevalue("suite")
    return suite.addresses


@pytest.fixture(scope="session")
def own_origin(addresses: Addresses) -> str:
    """An origin on the allow-list."""
    return os.environ.get("E2E_PUBLIC_ORIGIN", addresses.gateway).rstrip("/")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Clauses hold at the services' ports and through the gateway; all others know the gateway only."""
    if "door" in metafunc.fixturenames:
        is_clause = "clauses" in metafunc.definition.path.parts and not GIVEN_GATEWAY
        metafunc.parametrize("door", ["services", "gateway"] if is_clause else ["gateway"], indirect=True)


@pytest.fixture
def door(request: pytest.FixtureRequest, addresses: Addresses) -> Door:
    """The same routes at the services' ports, and through the gateway."""
    return Door.services(addresses) if request.param == "services" else Door.gateway(addresses)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client that trusts no proxy of the environment and keeps no cookie between answers."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
async def account(http: httpx.AsyncClient, addresses: Addresses, door: Door) -> Account:
    """Somebody who has just signed up, through the door of the test."""
    return await sign_up(http, addresses, door)


@pytest.fixture
async def stranger(http: httpx.AsyncClient, addresses: Addresses, door: Door) -> Account:
    """Somebody of another organisation."""
    return await sign_up(http, addresses, door)
