"""Durations as people write them."""

import re
from datetime import timedelta

_FORM = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Read ``10s``, ``15m``, ``24h`` or ``30d``; raises ValueError for anything else, and for nothing."""
    match = _FORM.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError("a duration is a number with a unit: 10s, 15m, 24h, 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def show_duration(duration: timedelta) -> str:
    """``1.5s``, ``2m03s``, ``1h00m``: short, for one column."""
    seconds = max(0.0, duration.total_seconds())
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if not minutes:
        return f"{seconds:.1f}s"
    return f"{hours}h{minutes % 60:02d}m" if hours else f"{minutes}m{int(seconds) % 60:02d}s"
