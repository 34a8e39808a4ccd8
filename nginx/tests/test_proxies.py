"""Who the client is when another proxy stands before the gateway."""

from collections.abc import Callable

import pytest

from nginx.tests.conftest import Environment, Gateway

OUTER, INNER, CLIENT = "198.51.100.7", "198.51.100.8", "203.0.113.9"


@pytest.fixture
def behind_a_proxy(start_gateway: Callable[..., Gateway], upstream_environment: Environment) -> Gateway:
    """Trusts this machine and two proxies; one attempt to sign in per minute and address."""
    return start_gateway(
        CALLBOARD_TRUSTED_PROXIES="127.0.0.1, 198.51.100.0/24",
        CALLBOARD_SIGN_IN_RATE="1r/m",
        CALLBOARD_SIGN_IN_BURST="1",
        **upstream_environment,
    )


@pytest.mark.parametrize(
    ("forwarded", "client_address"),
    [
        ([CLIENT], CLIENT),
        ([f"{CLIENT}, {OUTER}"], CLIENT),
        ([f"10.0.0.1, {CLIENT}, {OUTER}, {INNER}"], CLIENT),
        ([f"10.0.0.1, {CLIENT}", INNER], CLIENT),
        (["forged, 10.0.0.1", CLIENT], CLIENT),
        (["2001:db8::1"], "2001:db8::1"),
        (["not an address"], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(
    behind_a_proxy: Gateway, forwarded: list[str], client_address: str
) -> None:
    headers = [("X-Forwarded-For", value) for value in forwarded]
    with behind_a_proxy.client() as client:
        received = client.get("/producer/executions", headers=headers).json()["headers"]
    assert received["x-forwarded-for"] == client_address
    assert f'"client":"{client_address}"' in behind_a_proxy.stop()


def test_limits_by_address_count_the_clients_of_a_trusted_proxy_apart(behind_a_proxy: Gateway) -> None:
    with behind_a_proxy.client() as client:
        for number in range(3):
            headers = {"X-Forwarded-For": f"{CLIENT}{number}"}
            assert client.post("/api/login", headers=headers).status_code == 200
        headers = {"X-Forwarded-For": f"10.0.0.1, {CLIENT}"}
        statuses = [client.post("/api/login", headers=headers).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_all_addresses_of_one_ipv6_network_share_a_limit(behind_a_proxy: Gateway) -> None:
    with behind_a_proxy.client() as client:

        def sign_in(address: str) -> int:
            return client.post("/api/login", headers={"X-Forwarded-For": address}).status_code

        assert [sign_in(f"2001:db8:0:1::{number:x}") for number in range(4)] == [200, 200, 429, 429]
        assert sign_in("2001:db8:0:2::1") == 200
        assert [sign_in(f"::ffff:203.0.113.{number}") for number in range(4)] == [200] * 4


def test_without_a_trusted_proxy_nobody_chooses_an_address(
    start_gateway: Callable[..., Gateway], upstream_environment: Environment
) -> None:
    gateway = start_gateway(CALLBOARD_TRUSTED_PROXIES="198.51.100.0/24", **upstream_environment)
    with gateway.client() as client:
        answer = client.get("/producer/executions", headers={"X-Forwarded-For": f"{CLIENT}, {OUTER}"})
    assert answer.json()["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert f'"client":"{CLIENT}"' not in gateway.stop()
