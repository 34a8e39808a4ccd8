"""The form of a scenario, and of what comes out."""

import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from benchmarks.effort import Effort
from benchmarks.figures import Figures, medians
from benchmarks.generator import GeneratorFailed
from benchmarks.peers.child import PeerDied
from benchmarks.server import Server
from benchmarks.servers.callboard import NotReady
from benchmarks.trial import NotAllOpen

FAILURES = (GeneratorFailed, PeerDied, NotReady, NotAllOpen, OSError, subprocess.SubprocessError)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    figure: str


@dataclass(slots=True)
class Result:
    """Figures by server and case (``2000/s``); of a server that could not be measured, why."""

    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def of(self, server: str, case: str) -> Mapping[str, float]:
        return self.figures.get(server, {}).get(case, {})


@dataclass(frozen=True, slots=True)
class Scenario:
    """`measure` gives the figures of one server, by case.

    `in_turns`: the servers are measured one after the other, and all of them again, as often as there are runs. What a
    machine does to them in a bad minute it then does to all.
    """

    name: str
    question: str
    columns: tuple[Column, ...]
    servers: tuple[Server, ...]
    measure: Callable[[Server, Effort], dict[str, Figures]]
    in_turns: bool = False

    def run(self, effort: Effort, names: Iterable[str], say: Say) -> Result:
        """Measure the servers of these names, or all when there are none; one that fails does not stop the others."""
        wanted, result = set(names), Result()
        found: dict[str, list[dict[str, Figures]]] = {}
        turns = effort.runs if self.in_turns else 1
        share = replace(effort, runs=1) if self.in_turns else effort
        for server in [server for server in self.servers if not wanted or server.name in wanted] * turns:
            if server.name in result.failures:
                continue
            say(f"{self.name}: {server.name}")
            try:
                found.setdefault(server.name, []).append(self.measure(server, share))
            except FAILURES as failure:
                result.failures[server.name] = str(failure)
                say(f"{self.name}: {server.name}: {failure}")
        for name, measured in found.items():
            if name not in result.failures:
                result.figures[name] = {case: medians([turn[case] for turn in measured]) for case in measured[0]}
        return result
