"""What the project promises of its speed, held against a run. Each promise is a ratio to a peer, or a bound."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import number
from benchmarks.scenarios.curves import members_case, organisations_case
from benchmarks.scenarios.fan_out import CALM_RATE, ENDURANCE_RATE, FLOOD_RATES, GATEWAY_RATES, case
from benchmarks.scenarios.scenario import Result
from benchmarks.scenarios.sockets import IDLE, MINTING, STORM

OURS = "Callboard"
OURS_SOCKETIO = "Callboard (Socket.IO)"
PROXIED = " behind NGINX"
UWEBSOCKETS = "uWebSockets (socketify)"
NCHAN = "Nchan"
NODE = "Socket.IO + redis-adapter (Node)"
PYTHON = "python-socketio"


@dataclass(frozen=True, slots=True)
class Verdict:
    id: str
    what: str
    measured: float
    wanted: str
    is_held: bool


@dataclass(frozen=True, slots=True)
class Bound:
    """``measured`` divided by ``against``, or itself; at least, or at most, ``limit``."""

    id: str
    what: str
    measured: float | None
    limit: float
    at_most: bool = False
    against: float | None = 1.0

    def verdict(self) -> Verdict | None:
        """None when something was not measured in this run."""
        if self.measured is None or not self.against:
            return None
        value = self.measured / self.against
        is_held = value <= self.limit if self.at_most else value >= self.limit
        return Verdict(self.id, self.what, value, f"{'<=' if self.at_most else '>='} {number(self.limit)}", is_held)


class Book:
    """Looks figures up."""

    def __init__(self, results: Mapping[str, Result]) -> None:
        self._results = results

    def figure(self, scenario: str, server: str, case: str, name: str) -> float | None:
        result = self._results.get(scenario)
        return None if result is None else result.of(server, case).get(name)

    def lowest(self, scenario: str, case: str, name: str, *, but: Sequence[str]) -> float | None:
        result = self._results.get(scenario)
        if result is None:
            return None
        found = [result.of(server, case).get(name) for server in result.figures if server not in but]
        return min((value for value in found if value is not None), default=None)


def verdicts(results: Mapping[str, Result]) -> list[Verdict]:
    """Of what was measured in this run, in the order of their ids."""
    book = Book(results)
    bounds = [*_flood(book), *_gateway(book), *_costs(book), *_growth(book), *_socketio(book)]
    return [verdict for bound in bounds if (verdict := bound.verdict()) is not None]


def _flood(book: Book) -> Iterator[Bound]:
    def most(server: str, rate: int) -> float | None:
        return book.figure("flood", server, case(rate), "deliveries_per_second")

    minute = case(ENDURANCE_RATE)
    calm, hard, _ = FLOOD_RATES
    yield Bound(
        "P1",
        "deliveries/s at 2,000/s, for a minute",
        book.figure("endurance", OURS, minute, "deliveries_per_second"),
        1_980_000,
    )
    yield Bound("P1", "missing after that minute", book.figure("endurance", OURS, minute, "missing"), 0, at_most=True)
    yield Bound("P1", "p99 ms in that minute", book.figure("endurance", OURS, minute, "p99_ms"), 200, at_most=True)
    yield Bound("P1", "p99 ms at 2,000/s", book.figure("flood", OURS, case(calm), "p99_ms"), 200, at_most=True)
    for peer, factor in ((UWEBSOCKETS, 1), (NCHAN, 4), (NODE, 10), (PYTHON, 60)):
        yield Bound("P1", f"deliveries/s at 5,000/s, times {peer}", most(OURS, hard), factor, against=most(peer, hard))


def _gateway(book: Book) -> Iterator[Bound]:
    def most(server: str) -> float | None:
        return book.figure("gateway", server + PROXIED, case(GATEWAY_RATES[0]), "deliveries_per_second")

    p99 = book.figure("gateway", OURS + PROXIED, case(GATEWAY_RATES[0]), "p99_ms")
    yield Bound("P1g", "deliveries/s through the gateway at 1,000/s", most(OURS), 900_000)
    yield Bound("P1g", "p99 ms of it", p99, 250, at_most=True)
    yield Bound("P1g", f"times {NODE} through the same gateway", most(OURS), 4, against=most(NODE))


def _costs(book: Book) -> Iterator[Bound]:
    def calm(server: str) -> float | None:
        return book.figure("calm", server, case(CALM_RATE), "server_us_per_delivery")

    memory = book.figure("idle", OURS, IDLE, "server_bytes")
    others = book.lowest("idle", IDLE, "server_bytes", but=(OURS, OURS + PROXIED, UWEBSOCKETS))
    storm, minting = (book.figure("storm", OURS, case, "server_us_per_handshake") for case in (STORM, MINTING))
    yield Bound(
        "P2", f"server CPU per delivery at 60/s, times {NCHAN}", calm(OURS), 1.0, at_most=True, against=calm(NCHAN)
    )
    yield Bound("P3", "server bytes per idle socket", memory, 5 * 1024, at_most=True)
    yield Bound("P3", "times the lowest peer but uWebSockets", memory, 1.0, at_most=True, against=others)
    yield Bound("P4", "server us per handshake in a storm", storm, 400, at_most=True)
    yield Bound("P4", "server us per ticket over HTTP", minting, 450, at_most=True)


def _growth(book: Book) -> Iterator[Bound]:
    def cost(case: str, name: str = "server_us_per_delivery") -> float | None:
        return book.figure("curves", OURS, case, name)

    few, many = members_case(1000), members_case(10_000)
    alone, beside = organisations_case(1), organisations_case(1000)
    first = cost(members_case(100), "server_us_per_handshake")
    yield Bound(
        "P9", "CPU per event and member, 10,000 to 1,000 members", cost(many), 1.25, at_most=True, against=cost(few)
    )
    yield Bound(
        "P9", "CPU per delivery, 1,000 to 1 idle organisations", cost(beside), 1.1, at_most=True, against=cost(alone)
    )
    yield Bound(
        "P9",
        "CPU per handshake, 10,000 to 100 open sockets",
        cost(many, "server_us_per_handshake"),
        1.25,
        at_most=True,
        against=first,
    )


def _socketio(book: Book) -> Iterator[Bound]:
    def most(server: str) -> float | None:
        return book.figure("socketio", server, case(2000), "deliveries_per_second")

    def memory(server: str) -> float | None:
        return book.figure("socketio", server, IDLE, "server_bytes")

    yield Bound(
        "", f"Socket.IO clients: deliveries/s at 2,000/s, times {NODE}", most(OURS_SOCKETIO), 5, against=most(NODE)
    )
    yield Bound(
        "",
        f"Socket.IO clients: bytes per idle socket, times {NODE}",
        memory(OURS_SOCKETIO),
        1.0,
        at_most=True,
        against=memory(NODE),
    )
