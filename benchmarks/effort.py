"""How much is done for a figure: all of it, or just enough to see that it works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """`runs` are what a median is of; `seconds` is one run; `sockets` hear, `idle_sockets` only are there."""

    runs: int
    seconds: float
    endurance_seconds: float
    sockets: int
    idle_sockets: int
    handshakes: int
    at_once: int
    members: tuple[int, ...]
    idle_organisations: tuple[int, ...]


FULL = Effort(
    runs=5,
    seconds=2.0,
    endurance_seconds=60.0,
    sockets=1000,
    idle_sockets=10_000,
    handshakes=2000,
    at_once=128,
    members=(100, 300, 1000, 3000, 10_000),
    idle_organisations=(1, 10, 100, 1000),
)
SHORT = Effort(
    runs=1,
    seconds=0.5,
    endurance_seconds=1.0,
    sockets=50,
    idle_sockets=100,
    handshakes=100,
    at_once=32,
    members=(20, 50),
    idle_organisations=(1, 10),
)
