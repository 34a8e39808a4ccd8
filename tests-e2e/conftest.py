"""One suite for the whole session, started as `make up` starts it, in a directory and on ports of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from callboard_testkit.suite import Account, Addresses, Door, RunningSuite, sign_up, start_suite

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    with start_suite(ROOT, tmp_path_factory.mktemp("suite")) as running:
        yield running


@pytest.fixture(scope="session")
def addresses(suite: RunningSuite) -> Addresses:
    return suite.addresses


@pytest.fixture(scope="session")
def own_origin(addresses: Addresses) -> str:
    """An origin on the allow-list."""
    return addresses.gateway


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Clauses hold at the services' ports and through the gateway; journeys know the gateway only."""
    if "door" in metafunc.fixturenames:
        is_journey = "journeys" in metafunc.definition.path.parts
        metafunc.parametrize("door", ["gateway"] if is_journey else ["services", "gateway"], indirect=True)


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
