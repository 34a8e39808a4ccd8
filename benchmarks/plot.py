"""The result as one picture: bars side by side, drawn by hand as SVG."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.effort import FULL
from benchmarks.figures import number
from benchmarks.report import Measured
from benchmarks.scenarios.curves import members_case, organisations_case
from benchmarks.scenarios.fan_out import CALM_RATE, FLOOD_RATES, case
from benchmarks.scenarios.scenario import Result
from benchmarks.scenarios.sockets import IDLE, STORM
from benchmarks.servers.callboard import Callboard

WIDTH, LABEL, BAR, ROW, GAP = 900, 270, 480, 24, 44
OURS, OTHERS, INK, PAPER = "#2f6fde", "#a9b1bd", "#1f2430", "#ffffff"
Bars = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of every server."""

    title: str
    scenario: str
    case: str
    figure: str


@dataclass(frozen=True, slots=True)
class Growth:
    """One figure of ours, over the cases of the scenario ``curves``."""

    title: str
    cases: tuple[str, ...]
    figure: str


COMPARISONS = (
    Comparison("Deliveries a second, 5,000 events/s offered", "flood", case(FLOOD_RATES[1]), "deliveries_per_second"),
    Comparison("p50 in ms at 2,000 events/s", "flood", case(FLOOD_RATES[0]), "p50_ms"),
    Comparison("p99 in ms at 2,000 events/s", "flood", case(FLOOD_RATES[0]), "p99_ms"),
    Comparison("Server's CPU per delivery in us, 60 events/s", "calm", case(CALM_RATE), "server_us_per_delivery"),
    Comparison("Server's memory per idle socket in bytes", "idle", IDLE, "server_bytes"),
    Comparison("Server's CPU per handshake in us, 128 at once", "storm", STORM, "server_us_per_handshake"),
)
_MEMBERS = tuple(map(members_case, FULL.members))
_ORGANISATIONS = tuple(map(organisations_case, FULL.idle_organisations))
GROWTHS = (
    Growth("Callboard: CPU per event and member in us", _MEMBERS, "server_us_per_delivery"),
    Growth("Callboard: CPU per delivery in us, beside others", _ORGANISATIONS, "server_us_per_delivery"),
    Growth("Callboard: CPU per handshake in us, beside open sockets", _MEMBERS, "server_us_per_handshake"),
)


def plot(measured: Measured) -> str:
    """A chart for each figure that was measured; the bars of one chart share a scale."""
    results = {scenario.name: result for scenario, result in measured}
    body: list[str] = []
    top = GAP
    for title, bars in [*_compared(results), *_grown(results)]:
        body += _chart(title, bars, top)
        top += ROW * (len(bars) + 1) + GAP
    box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg {box} font-family="sans-serif" font-size="13" fill="{INK}">'
    paper = f'<rect width="{WIDTH}" height="{top}" fill="{PAPER}"/>'
    return "\n".join([head, paper, *body, "</svg>", ""])


def _compared(results: dict[str, Result]) -> Iterator[tuple[str, Bars]]:
    """The largest first."""
    for chart in COMPARISONS:
        result = results.get(chart.scenario, Result())
        found = {server: result.of(server, chart.case).get(chart.figure) for server in result.figures}
        bars = [(server, value) for server, value in found.items() if value is not None]
        if bars:
            yield chart.title, sorted(bars, key=lambda bar: -bar[1])


def _grown(results: dict[str, Result]) -> Iterator[tuple[str, Bars]]:
    """In the order of the cases."""
    result = results.get("curves", Result())
    for chart in GROWTHS:
        found = {name: result.of(Callboard.name, name).get(chart.figure) for name in chart.cases}
        bars = [(name, value) for name, value in found.items() if value is not None]
        if bars:
            yield chart.title, bars


def _chart(title: str, bars: Bars, top: int) -> Iterable[str]:
    is_ours = title.startswith(Callboard.name)
    longest = max(value for _, value in bars) or 1
    yield f'<text x="16" y="{top}" font-size="15" font-weight="bold">{escape(title)}</text>'
    for index, (name, value) in enumerate(bars):
        y = top + 14 + index * ROW
        width = max(1, round(BAR * max(value, 0) / longest))
        colour = OURS if is_ours or name.startswith(Callboard.name) else OTHERS
        yield f'<text x="{LABEL - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        yield f'<rect x="{LABEL}" y="{y}" width="{width}" height="{ROW - 6}" fill="{colour}"/>'
        yield f'<text x="{LABEL + width + 6}" y="{y + 14}">{number(value)}</text>'
