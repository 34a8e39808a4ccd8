"""What was measured is written as it is, and held against what was promised."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import report
from benchmarks.effort import SHORT, Effort
from benchmarks.figures import Figures, medians, number
from benchmarks.generator import GeneratorFailed
from benchmarks.peers.tools import Tools
from benchmarks.plot import plot
from benchmarks.scenarios.fan_out import COLUMNS, FLOOD_RATES, case
from benchmarks.scenarios.scenario import Result, Scenario
from benchmarks.server import Server
from benchmarks.servers.callboard import Callboard, CallboardSocketIo
from benchmarks.targets import NCHAN, OURS, UWEBSOCKETS, verdicts

HARD = case(FLOOD_RATES[1])
TOOLS = Tools(root=Path(), python="", node="", redis="", nginx="", nchan="", nats="")


def flood(**deliveries: float) -> Result:
    names = {"ours": OURS, "uwebsockets": UWEBSOCKETS, "nchan": NCHAN}
    return Result({names[name]: {HARD: {"deliveries_per_second": value}} for name, value in deliveries.items()})


@pytest.fixture
def scenario() -> Scenario:
    return Scenario("flood", "How much?", COLUMNS, (), lambda *_: {})


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.1234, "0.12"), (12.34, "12.3"), (999.6, "1,000"), (2_000_000, "2,000,000")]
)
def test_a_number_shows_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_a_median_is_taken_figure_by_figure() -> None:
    runs: list[Figures] = [{"a": 1, "b": 9}, {"a": 2, "b": 5}, {"a": 30, "b": 1}]
    assert medians(runs) == {"a": 2, "b": 5}


def test_a_promise_is_held_or_broken_by_the_peers_of_the_same_run() -> None:
    held = {verdict.what: verdict for verdict in verdicts({"flood": flood(ours=3e6, uwebsockets=2e6, nchan=1e6)})}
    assert len(held) == 2
    assert held[f"deliveries/s at 5,000/s, times {UWEBSOCKETS}"].is_held
    assert not held[f"deliveries/s at 5,000/s, times {NCHAN}"].is_held


def test_a_promise_whose_peer_was_not_measured_is_not_judged() -> None:
    assert verdicts({"flood": flood(ours=3e6)}) == []


def test_one_line_of_json_has_the_figures_of_each_server(scenario: Scenario) -> None:
    told = json.loads(report.line(scenario, flood(ours=3e6, nchan=1e6)))
    assert told["scenario"] == "flood"
    assert told["servers"][NCHAN][HARD] == {"deliveries_per_second": 1e6}


def test_a_table_has_a_row_for_each_server_and_no_column_that_is_empty(scenario: Scenario) -> None:
    table = report.scenario_table(scenario, flood(ours=3e6, nchan=1e6)).splitlines()[4:]
    assert table[0] == "| server |  | deliveries/s |"
    assert table[2:] == [f"| {OURS} | {HARD} | 3,000,000 |", f"| {NCHAN} | {HARD} | 1,000,000 |"]


def test_the_picture_is_well_formed_and_has_a_bar_for_each_server(scenario: Scenario) -> None:
    picture = ET.fromstring(plot([(scenario, flood(ours=3e6, nchan=1e6))]))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[1:] == [OURS, "3,000,000", NCHAN, "1,000,000"]


def test_a_server_that_cannot_be_measured_stops_nobody_else() -> None:
    def measure(server: Server, effort: Effort) -> dict[str, Figures]:
        if server is first:
            raise GeneratorFailed("it ended")
        return {HARD: {"p99_ms": 1.0}}

    first, second = Callboard(TOOLS), CallboardSocketIo(TOOLS)
    result = Scenario("flood", "How much?", COLUMNS, (first, second), measure).run(SHORT, [], lambda _: None)
    assert result.failures == {first.name: "it ended"}
    assert result.figures == {second.name: {HARD: {"p99_ms": 1.0}}}
