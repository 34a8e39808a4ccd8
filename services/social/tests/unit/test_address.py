"""Who shares a bound with whom."""

import pytest
from callboard_social.address import network_of
from starlette.requests import HTTPConnection


def network(host: str | None) -> bytes:
    client = None if host is None else (host, 40_000)
    return network_of(HTTPConnection({"type": "websocket", "client": client, "headers": []}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("2001:db8:0:0:1::", "2001:DB8::2"),
        (None, "unix"),
        ("", "not an address"),
        ("fe80::1%eth0", "nul\0"),
    ],
)
def test_addresses_of_one_network_share(one: str | None, other: str) -> None:
    assert network(one) == network(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1"), ("192.0.2.1", None), ("::1", "127.0.0.1")],
)
def test_addresses_of_two_networks_do_not(one: str, other: str | None) -> None:
    assert network(one) != network(other)
