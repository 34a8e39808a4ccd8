"""Durations in settings: a number of seconds, or ``250ms``, ``10s``, ``15m``, ``24h``, ``30d``."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_FORM = re.compile(r"(\d{1,9})(|ms|[smhd])", re.ASCII)
_UNITS = {"": "seconds", "ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: object) -> object:
    """Read a duration; leaves what is not text to pydantic. Raises ValueError for text of another form."""
    if not isinstance(value, str):
        return value
    match = _FORM.fullmatch(value.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError("a duration is a positive number of seconds, or one like 10s, 15m, 24h, 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
