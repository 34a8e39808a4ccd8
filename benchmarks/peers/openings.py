"""How clients open their sockets: the HTTP request of an upgrade, and what a dialect says after it."""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

from benchmarks.server import Opening


def upgrade_request(port: int, path: str, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """A WebSocket upgrade for this path, query included; no extension is offered, as none of the servers compresses."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def plain_openings(port: int, path: str, count: int) -> Iterator[Opening]:
    """For servers whose clients are subscribed by the upgrade itself."""
    for _ in range(count):
        yield Opening(upgrade_request(port, path))


def socketio_openings(port: int, count: int, organisation: int) -> Iterator[Opening]:
    """For a Socket.IO server that believes what a client says of its organisation."""
    yield from _socketio_openings(port, repeat({"org": organisation}, count), ready=b"40")


def callboard_socketio_openings(port: int, tokens: Iterable[str]) -> Iterator[Opening]:
    """For our own Socket.IO dialect, one client per token: a primary token, or a ticket that opens one connection.

    Told ``auth-success`` it hears its organisation from then on. The port is social's own or the gateway's.
    """
    yield from _socketio_openings(port, ({"token": token} for token in tokens), ready=b'42["auth-success"')


def _socketio_openings(port: int, credentials: Iterable[dict[str, Any]], ready: bytes) -> Iterator[Opening]:
    for auth in credentials:
        yield Opening(
            upgrade_request(port, "/socket.io/?EIO=4&transport=websocket"),
            after=(b"40" + json.dumps(auth).encode("ascii"),),
            answers=((b"2", b"3"),),
            ready=ready,
        )
