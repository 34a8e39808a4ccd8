"""Figures: what a run gives, their medians, and how they are written."""

import statistics
from collections.abc import Sequence

Figures = dict[str, float]


def medians(runs: Sequence[Figures]) -> Figures:
    """Figure by figure."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    whole = len(f"{abs(value):.0f}") if abs(value) >= 1 else 1
    return f"{value:,.{max(0, 3 - whole)}f}" if value else "0"
