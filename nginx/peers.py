"""Where the services are. Open-source NGINX resolves names once, so they are looked up here, again and again."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from nginx.journal import tell

VARIABLES = ("CALLBOARD_AUTH_PEERS", "CALLBOARD_SOCIAL_PEERS", "CALLBOARD_PRODUCER_PEERS")
NOBODY = "127.0.0.1:1"
"""Stands for a service not seen yet: it refuses at once, so callers get 502. Only root could listen on port 1."""

Resolve = Callable[[str], list[str]]
"""All addresses of a host; raises OSError or UnicodeError when it has none."""


def resolve(host: str) -> list[str]:
    """What the system's resolver says, of both address families."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _in_order(address: IPv4Address | IPv6Address) -> tuple[int, int]:
    return address.version, int(address)


def _written(address: IPv4Address | IPv6Address, port: str) -> str:
    return f"[{address}]:{port}" if isinstance(address, IPv6Address) else f"{address}:{port}"


class FollowedName:
    """One ``host:port`` and its addresses, of now or the last: a name server that is away takes no service with it."""

    def __init__(self, peer: str, resolve: Resolve) -> None:
        self.addresses: tuple[str, ...] = ()
        self.was_looked_up = threading.Event()
        self._peer = peer
        self._resolve = resolve
        self._is_missing = False

    def look_up(self) -> None:
        host, _, port = self._peer.rpartition(":")
        try:
            found = {ip_address(address) for address in self._resolve(host.strip("[]"))}
        except (OSError, UnicodeError):
            if not self._is_missing:
                tell("peer_not_resolved", peer=self._peer, kept=list(self.addresses))
            self._is_missing = True
        else:
            self._is_missing = False
            self.addresses = tuple(_written(address, port) for address in sorted(found, key=_in_order))
        self.was_looked_up.set()

    def follow(self, interval: float) -> None:
        """Look it up now and every ``interval`` seconds, for ever."""
        pause = threading.Event()
        while True:
            self.look_up()
            pause.wait(interval)


class PeerWatch:
    """Follows every name of the peer variables, each in a thread of its own.

    Threads, because the resolver blocks for as long as a name server is silent; one each, because that is often so for
    a name that is not there, and the others must not wait for it.
    """

    def __init__(self, environment: Mapping[str, str], interval: float, resolve: Resolve = resolve) -> None:
        self._wanted = {name: environment.get(name, "").replace(",", " ").split() for name in VARIABLES}
        self.names = {peer: FollowedName(peer, resolve) for peers in self._wanted.values() for peer in peers}
        self._threads = [
            threading.Thread(target=name.follow, args=(interval,), name=peer, daemon=True)
            for peer, name in self.names.items()
        ]

    def start(self, patience: float) -> None:
        """Return when every name was looked up once, or after ``patience`` seconds."""
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + patience
        for name in self.names.values():
            name.was_looked_up.wait(max(0.0, deadline - time.monotonic()))

    def is_alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def known(self) -> dict[str, str]:
        """The peer variables with addresses in place of names, as the renderer reads them."""
        return {name: " ".join(self._addresses(peers)) or NOBODY for name, peers in self._wanted.items()}

    def _addresses(self, peers: list[str]) -> list[str]:
        # Two names may lead to one address; NGINX would give it twice the load.
        return list(dict.fromkeys(address for peer in peers for address in self.names[peer].addresses))
