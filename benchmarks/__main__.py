"""``python -m benchmarks [SCENARIO...]``: everything, or these scenarios.

One scenario ends with one line of JSON on stdout. Everything writes its result into ``results/``.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.effort import FULL, SHORT
from benchmarks.machine import allow_many_sockets, describe, places
from benchmarks.peers.tools import ToolMissing, Tools, find_tools
from benchmarks.plot import plot
from benchmarks.scenarios.catalogue import catalogue
from benchmarks.scenarios.scenario import FAILURES, Scenario
from benchmarks.targets import verdicts

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Callboard beside its peers.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="calm, flood, ...; all when none is named")
    parser.add_argument("--server", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--short", action="store_true", help="see that it works; the figures say nothing")
    parser.add_argument("--write", action="store_true", help="write the result into results/, as a full run does")
    return parser.parse_args()


def chosen(tools: Tools, names: list[str]) -> list[Scenario]:
    """The scenarios of these names, or all; ends the program for a name that nobody has."""
    known = {scenario.name: scenario for scenario in catalogue(tools)}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no scenario {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def facts(scenarios: list[Scenario], seconds: float) -> dict[str, str]:
    """About the machine, the run and what was measured."""
    where = "on a processor of its own" if places().are_apart else "on the same processor as everything else"
    about = report.machine_facts(describe())
    about |= {"server under test": where, "taken": f"{seconds / 60:.0f} min"}
    for server in {server.name: server for scenario in scenarios for server in scenario.servers}.values():
        try:
            about[server.name] = server.version()
        except FAILURES as failure:
            about[server.name] = f"unknown: {failure}"
    return about


def main() -> None:
    given = arguments()
    try:
        tools = find_tools(ROOT, environment=ROOT / "var" / "bench" / "venv")
    except ToolMissing as missing:
        sys.exit(f"{missing}; make bench installs it")
    scenarios = chosen(tools, given.scenarios)
    files = allow_many_sockets()
    effort = SHORT if given.short else FULL
    say(f"{len(scenarios)} scenarios; up to {files} open files")
    began = time.monotonic()
    measured = [(scenario, scenario.run(effort, given.server, say)) for scenario in scenarios]
    held = [] if given.short else verdicts({scenario.name: result for scenario, result in measured})
    about = facts(scenarios, time.monotonic() - began)
    text = report.document(measured, held, about)
    print(text)
    if given.write or not (given.scenarios or given.server or given.short):
        RESULTS.mkdir(exist_ok=True)
        name = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}"
        name.with_suffix(".md").write_text(text, encoding="utf-8")
        name.with_suffix(".json").write_text(report.archive(measured, about), encoding="utf-8")
        name.with_suffix(".svg").write_text(plot(measured), encoding="utf-8")
        say(f"written: {name}.md, .json and .svg")
    if len(measured) == 1:
        print(report.line(*measured[0]))


if __name__ == "__main__":
    main()
