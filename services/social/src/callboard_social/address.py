"""Whose a connection is, as far as its address tells."""

from socket import AF_INET, AF_INET6, inet_pton

from starlette.requests import HTTPConnection

_NETWORK_BYTES = 8
"""Of an IPv6 address: a customer has a /64 at least, and could take another address for every connection."""
_MAPPED = bytes(10) + b"\xff\xff"
"""What an IPv4 address begins with that is written as an IPv6 one."""
Network = bytes
"""An IPv4 address, or the first half of an IPv6 one; empty for all whose address is not known: they share one."""


def network_of(connection: HTTPConnection) -> Network:
    """Who shares a bound with this connection's client."""
    client: tuple[str, int] | None = connection.scope.get("client")
    return _network(client[0]) if client else b""


def _network(host: str) -> Network:
    if ":" not in host:
        return _packed(AF_INET, host)
    packed = _packed(AF_INET6, host)
    return packed[len(_MAPPED) :] if packed.startswith(_MAPPED) else packed[:_NETWORK_BYTES]


def _packed(family: int, host: str) -> bytes:
    try:
        return inet_pton(family, host)
    except (OSError, ValueError):
        return b""
