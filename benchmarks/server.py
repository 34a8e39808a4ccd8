"""What a scenario needs to know of a server, so that one load generator and one ruler serve for all of them.

An event is about 230 bytes of JSON (`event`), the same for every server, whatever frame it puts around it. The load
generator finds the sequence number and the time in what arrives, so a server only has to carry the bytes along.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

SERVER = "server"
"""The role of the processes that hold the sockets."""

EVENT_BYTES = 230


@dataclass(frozen=True, slots=True)
class Opening:
    """How one client opens its socket and becomes a subscriber.

    Attributes:
        request: the whole HTTP upgrade request, credentials included.
        after: payloads of the messages that the client sends once it is open; the generator frames and masks them.
        after_binary: whether those are binary messages, and the answers too.
        answers: what the client says when a message is exactly this: Engine.IO's ``2`` is answered with ``3``.
        ready: the client counts as open when a message begins with this; empty: with the 101.
    """

    request: bytes
    after: tuple[bytes, ...] = ()
    after_binary: bool = False
    answers: tuple[tuple[bytes, bytes], ...] = field(default=())
    ready: bytes = b""


class Server(Protocol):
    """One system as its users run it. `start` and `stop` are called in turn, any number of times."""

    name: str
    port: int

    def start(self, directory: Path, *, organisations: int = 1) -> None:
        """Listen, with all files below the directory; returns when clients may come. Raises on failure."""

    def stop(self) -> None:
        """End every process that `start` began; does nothing when there is none."""

    def processes(self) -> Mapping[str, list[int]]:
        """Pids by role: `SERVER` holds the sockets, others are ``redis``, ``gateway``. Nothing that publishes."""

    def openings(self, count: int, organisation: int = 0) -> Iterable[Opening]:
        """So many clients of one organisation, fit to be opened within the next ten seconds."""

    def publisher(self, rate: int, seconds: float, size: int = EVENT_BYTES, organisation: int = 0) -> list[str]:
        """A command line that publishes events 1, 2, 3... and ends by itself.

        It prints one line, ``{"published": n, "seconds": s}``, of what was handed over and in what time.
        """

    def version(self) -> str:
        """What is measured: ``nginx 1.22.1, nchan 1.2.15``."""


def event(sequence: int, size: int = EVENT_BYTES, now_ns: int | None = None) -> bytes:
    """The body of one execution update: ``"n"`` is its sequence, ``"t"`` the monotonic clock, a string of 19 digits."""
    at = time.monotonic_ns() if now_ns is None else now_ns
    head = (
        b'{"type":"execution-updated","at":"2026-01-01T00:00:00.000Z","data":{"taskId":"build-4711",'
        b'"organizationId":"bench","status":"RUNNING","attempt":1,"version":3,"n":%d,"t":"%019d","note":"'
    ) % (sequence, at)
    return head + b"x" * max(0, size - len(head) - 3) + b'"}}'
