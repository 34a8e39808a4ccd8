"""What the kernel holds of the TCP connections of a server on loopback; Linux alone tells it like this."""

from pathlib import Path
from typing import NamedTuple

_TABLE = Path("/proc/net/tcp")
_ESTABLISHED, _FIN_WAIT_1, _CLOSE_WAIT, _LAST_ACK = "01", "04", "08", "09"
_CARRYING = frozenset({_ESTABLISHED, _FIN_WAIT_1, _CLOSE_WAIT, _LAST_ACK})


class Queues(NamedTuple):
    """Bytes of one connection: written and not taken by the peer's kernel yet, and not yet read by the server."""

    unsent: int
    unread: int


def queues_of(port: int) -> dict[int, Queues]:
    """The connections to a server's port, each by its peer's own port; closed ones are not among them."""
    found = {}
    for line in _TABLE.read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        if _port(local) == port and state in _CARRYING:
            unsent, unread = queues.split(":")
            found[_port(remote)] = Queues(int(unsent, 16), int(unread, 16))
    return found


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
