"""Events to many sockets: at a pace that leaves room, at one that leaves none, and for a minute."""

from benchmarks.effort import Effort
from benchmarks.figures import Figures
from benchmarks.scenarios.scenario import Column
from benchmarks.scenarios.sockets import idle
from benchmarks.server import Server
from benchmarks.trial import fan_out, fan_out_runs, pss_of_server, started, subscribed, warm_up

CALM_RATE = 60
FLOOD_RATES = (2000, 5000, 8000)
ENDURANCE_RATE = 2000
GATEWAY_RATES = (1000, 2000)
SOCKETIO_RATES = (CALM_RATE, 1000, 2000)

COLUMNS = (
    Column("published/s", "published_per_second"),
    Column("deliveries/s", "deliveries_per_second"),
    Column("p50 ms", "p50_ms"),
    Column("p99 ms", "p99_ms"),
    Column("missing", "missing"),
    Column("sockets lost", "lost_sockets"),
    Column("server us/delivery", "server_us_per_delivery"),
    Column("gateway us/delivery", "gateway_us_per_delivery"),
    Column("Redis us/delivery", "redis_us_per_delivery"),
    Column("all us/delivery", "all_us_per_delivery"),
    Column("generator CPU", "generator_cpu"),
)
ENDURANCE_COLUMNS = (*COLUMNS, Column("server growth MiB", "server_growth_mib"))


def case(rate: int) -> str:
    return f"{rate}/s"


def at_rates(server: Server, effort: Effort, rates: tuple[int, ...]) -> dict[str, Figures]:
    return {case(rate): fan_out_runs(server, effort.sockets, rate, effort.seconds, effort.runs) for rate in rates}


def calm(server: Server, effort: Effort) -> dict[str, Figures]:
    return at_rates(server, effort, (CALM_RATE,))


def flood(server: Server, effort: Effort) -> dict[str, Figures]:
    return at_rates(server, effort, FLOOD_RATES)


def through_gateway(server: Server, effort: Effort) -> dict[str, Figures]:
    return at_rates(server, effort, GATEWAY_RATES)


def socketio(server: Server, effort: Effort) -> dict[str, Figures]:
    return at_rates(server, effort, SOCKETIO_RATES) | idle(server, effort)


def endurance(server: Server, effort: Effort) -> dict[str, Figures]:
    """Once, for long; what a queue that grows would show in: lateness at the end, and memory."""
    with started(server), subscribed(server, effort.sockets) as load:
        warm_up(server, load, ENDURANCE_RATE)
        before = pss_of_server(server)
        figures = fan_out(server, load, ENDURANCE_RATE, effort.endurance_seconds)
        figures["server_growth_mib"] = (pss_of_server(server) - before) / 1024**2
    return {case(ENDURANCE_RATE): figures}
