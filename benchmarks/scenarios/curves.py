"""How cost grows: with members, with organisations that are idle, with sockets that are already open."""

from collections.abc import Iterator

from benchmarks.effort import Effort
from benchmarks.figures import Figures, medians
from benchmarks.generator import Load
from benchmarks.scenarios.scenario import Column
from benchmarks.server import Opening, Server
from benchmarks.trial import (
    all_open,
    fan_out,
    handshakes,
    idle_share,
    started,
    subscribed,
    warm_up,
)

MEMBERS_RATE = 5
"""Events a second: each is written alone, to 10,000 members too, so that they do not share what a write costs."""
ORGANISATIONS_RATE = 60
HANDSHAKES_AT_MOST = 1000
ACTIVE = 0

COLUMNS = (
    Column("server us/delivery", "server_us_per_delivery"),
    Column("p99 ms", "p99_ms"),
    Column("server us/handshake", "server_us_per_handshake"),
)


def curves(server: Server, effort: Effort) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for count in effort.members:
        found[members_case(count)] = with_members(server, effort, count)
    for count in effort.idle_organisations:
        found[organisations_case(count)] = beside_organisations(server, effort, count)
    return found


def members_case(count: int) -> str:
    return f"{count} members"


def organisations_case(count: int) -> str:
    return f"{count} idle organisations"


def with_members(server: Server, effort: Effort, count: int) -> Figures:
    """Events to all members, then handshakes while they are there. What the server does anyway is taken off."""
    with started(server), subscribed(server, count) as load:
        warm_up(server, load, MEMBERS_RATE)
        share = idle_share(server, effort.seconds)
        figures = medians([fan_out(server, load, MEMBERS_RATE, effort.seconds) for _ in range(effort.runs)])
        figures["server_us_per_delivery"] -= share * figures["seconds"] * 1e6 / figures["deliveries"]
        storms = min(effort.handshakes, HANDSHAKES_AT_MOST)
        return figures | medians([handshakes(server, storms, effort.at_once) for _ in range(effort.runs)])


def beside_organisations(server: Server, effort: Effort, count: int) -> Figures:
    """Events in one organisation, while others, with one member each, hear nothing."""
    with started(server, organisations=count + 1), Load(server.port, _one_of_each(server, count)) as idle:
        all_open(idle, count)
        with subscribed(server, effort.sockets, ACTIVE) as load:
            warm_up(server, load, ORGANISATIONS_RATE)
            return medians([fan_out(server, load, ORGANISATIONS_RATE, effort.seconds) for _ in range(effort.runs)])


def _one_of_each(server: Server, count: int) -> Iterator[Opening]:
    for number in range(1, count + 1):
        yield from server.openings(1, number)
