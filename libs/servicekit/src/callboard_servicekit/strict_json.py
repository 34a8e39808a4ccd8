"""One strict JSON parser for HTTP and sockets.

Python's own accepts what other parties cannot live with: ``NaN`` and ``1e400`` become a frame that no browser
parses, a whole number of 400 digits becomes Infinity there, a lone surrogate fails at the first encode, a NUL is
refused by PostgreSQL, deep nesting ends the recursion. Here each of these is an `InvalidJson`. Log text of real
programs holds them all, so for log lines the parser can repair text instead: U+FFFD for every lone surrogate and NUL.
"""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_VALUES = 10_000
"""No call needs more of them; to look at each takes time from everybody else."""
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string, or what is left of the text when it does not end: begun anew at each of its quotes, the search for its end
would cost the length squared."""
_UNSPEAKABLE = re.compile("[\ud800-\udfff\x00]")
REPLACEMENT = "\ufffd"
_MAX_WHOLE = 10**100 - 1
"""Parsers in wide use take no more digits than that."""


class InvalidJson(ValueError):
    """The text is not JSON that every party can carry; the message says why, without repeating the input."""


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidJson("a number is out of range")
    return number


def repair_text(text: str) -> str:
    """The text with U+FFFD in place of every lone surrogate and NUL."""
    return _UNSPEAKABLE.sub(REPLACEMENT, text)


def _checked_text(text: str, *, repair: bool) -> str:
    if _UNSPEAKABLE.search(text) is None:
        return text
    if repair:
        return repair_text(text)
    raise InvalidJson("text holds a lone surrogate or a NUL")


class _Checker:
    """Walks one document; every value costs one of a bounded number."""

    def __init__(self, *, repair: bool, max_values: int) -> None:
        self._repair = repair
        self._max_values = self._left = max_values

    def check(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _too_many(self._max_values)
        if isinstance(value, str):
            return _checked_text(value, repair=self._repair)
        if isinstance(value, int) and abs(value) > _MAX_WHOLE:
            raise InvalidJson("a number is out of range")
        if isinstance(value, dict | list) and depth == 0:
            raise InvalidJson(f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            return {_checked_text(name, repair=False): self.check(item, depth - 1) for name, item in value.items()}
        if isinstance(value, list):
            return [self.check(item, depth - 1) for item in value]
        return value


def _too_many(max_values: int) -> InvalidJson:
    return InvalidJson(f"more than {max_values} values")


def _refuse_crowd(text: str, max_values: int) -> None:
    """Refuse what is certain to hold too many values before it is parsed, which costs a hundred times more.

    Every value but the first follows a comma or an opening bracket, so what passes holds twice as many at most.
    """
    if _commas(text) + _brackets(text) <= max_values:
        return  # the commas in its strings included
    bare = _STRING.sub("", text)
    if max(_commas(bare) + 1, _brackets(bare)) > max_values:
        raise _too_many(max_values)


def _commas(text: str) -> int:
    return text.count(",")


def _brackets(text: str) -> int:
    return text.count("[") + text.count("{")


def loads(raw: bytes | str, *, repair: bool = False, max_values: int = MAX_VALUES) -> Any:
    """Parse one JSON document.

    Args:
        raw: UTF-8 bytes, or text.
        repair: replace lone surrogates and NULs in values (never in names) instead of refusing them.
        max_values: how many values it may hold, itself and all within it.

    Raises:
        InvalidJson: for anything that is not JSON, or that some party could not carry.
    """
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        _refuse_crowd(text, max_values)
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except InvalidJson:
        raise
    except RecursionError as error:
        raise InvalidJson(f"nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:
        raise InvalidJson("not a JSON document in UTF-8") from error
    return _Checker(repair=repair, max_values=max_values).check(value, MAX_DEPTH)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dumps(value: Any) -> str:
    """Compact JSON; raises ValueError for NaN and Infinity."""
    return _ENCODER.encode(value)
