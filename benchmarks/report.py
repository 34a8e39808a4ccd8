"""What was measured, as Markdown and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from benchmarks.figures import Figures, number
from benchmarks.machine import Machine
from benchmarks.scenarios.fan_out import CALM_RATE, FLOOD_RATES, case
from benchmarks.scenarios.scenario import Result, Scenario
from benchmarks.scenarios.sockets import IDLE, STORM
from benchmarks.targets import Verdict

Measured = Sequence[tuple[Scenario, Result]]

SUMMARY = (
    ("deliveries/s at 5,000/s", "flood", case(FLOOD_RATES[1]), "deliveries_per_second"),
    ("deliveries/s at 2,000/s", "flood", case(FLOOD_RATES[0]), "deliveries_per_second"),
    ("p50 ms", "flood", case(FLOOD_RATES[0]), "p50_ms"),
    ("p99 ms", "flood", case(FLOOD_RATES[0]), "p99_ms"),
    ("server CPU us/delivery at 60/s", "calm", case(CALM_RATE), "server_us_per_delivery"),
    ("with Redis", "calm", case(CALM_RATE), "all_us_per_delivery"),
    ("bytes/idle socket", "idle", IDLE, "server_bytes"),
    ("CPU us/handshake", "storm", STORM, "server_us_per_handshake"),
)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([_row(head), _row(["---"] * len(head)), *map(_row, rows)])


def scenario_table(scenario: Scenario, result: Result) -> str:
    """A row for each server and case; columns that nobody has a figure for are left out."""
    cases = [(server, case, figures) for server, by_case in result.figures.items() for case, figures in by_case.items()]
    columns = [column for column in scenario.columns if any(column.figure in figures for *_, figures in cases)]
    head = ["server", "", *(column.title for column in columns)]
    rows = [[server, case, *(_cell(figures, column.figure) for column in columns)] for server, case, figures in cases]
    failures = [f"\n{server}: could not be measured: {why}" for server, why in result.failures.items()]
    return "\n".join([f"## {scenario.name}", "", scenario.question, "", table(head, rows), *failures])


def _cell(figures: Mapping[str, float], name: str) -> str:
    return number(figures[name]) if name in figures else ""


def summary_table(measured: Measured) -> str:
    """A row for each server, of the figures that people ask for first."""
    results = {scenario.name: result for scenario, result in measured}
    asked = [(*entry, results[entry[1]]) for entry in SUMMARY if entry[1] in results]
    servers = dict.fromkeys(server for *_, result in asked for server in result.figures)
    head = ["server", *(title for title, *_ in asked)]
    rows = [
        [server, *(_cell(result.of(server, case), figure) for _, _, case, figure, result in asked)]
        for server in servers
    ]
    return "\n".join(["## Side by side", "", table(head, rows)])


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    head = ["", "target", "measured", "wanted", "held"]
    rows = [
        [verdict.id, verdict.what, number(verdict.measured), verdict.wanted, "yes" if verdict.is_held else "**no**"]
        for verdict in verdicts
    ]
    return "\n".join(["## Targets", "", table(head, rows)])


def line(scenario: Scenario, result: Result) -> str:
    """One line of JSON."""
    told: dict[str, Any] = {"scenario": scenario.name, "servers": _rounded(result.figures)}
    if result.failures:
        told["failures"] = result.failures
    return json.dumps(told)


def _rounded(figures: Mapping[str, Mapping[str, Figures]]) -> dict[str, dict[str, Figures]]:
    return {
        server: {case: {name: round(value, 4) for name, value in found.items()} for case, found in by_case.items()}
        for server, by_case in figures.items()
    }


def document(measured: Measured, verdicts: Sequence[Verdict], about: Mapping[str, str]) -> str:
    """The whole result, for people."""
    title = f"# Callboard beside its peers, {datetime.now(UTC):%Y-%m-%d}"
    facts = table(["", ""], [[name, value] for name, value in about.items()])
    parts = [title, facts, *([verdict_table(verdicts)] if verdicts else [])]
    parts += [summary_table(measured)] if len(measured) > 1 else []
    parts += [scenario_table(*pair) for pair in measured]
    return "\n\n".join(parts) + "\n"


def archive(measured: Measured, about: Mapping[str, str]) -> str:
    """The whole result, for programs."""
    scenarios = {scenario.name: _rounded(result.figures) for scenario, result in measured}
    failures = {scenario.name: result.failures for scenario, result in measured if result.failures}
    return json.dumps({"about": about, "scenarios": scenarios, "failures": failures}) + "\n"


def machine_facts(machine: Machine) -> dict[str, str]:
    return {name.replace("_", " "): str(value) for name, value in asdict(machine).items()}
