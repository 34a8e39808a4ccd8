"""Bytes inside a payload: each travels as a message of its own, and the JSON says where it belongs."""

from collections.abc import Iterator, Sequence
from typing import Any

MAX_ATTACHMENTS = 10
"""What the clients' own parser takes for one packet, and what we take."""
_MARK = "_placeholder"
_NUMBER = "num"


class _Extraction:
    def __init__(self) -> None:
        self.attachments: list[bytes] = []
        self.has_lookalike = False

    def walk(self, value: Any) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            self.attachments.append(bytes(value))
            return {_MARK: True, _NUMBER: len(self.attachments) - 1}
        if isinstance(value, dict):
            self.has_lookalike = self.has_lookalike or bool(value.get(_MARK))
            return {name: self.walk(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.walk(item) for item in value]
        return value


def take_out(data: Any) -> tuple[Any, tuple[bytes, ...]]:
    """The payload with a placeholder for each bytes value, and those values in the placeholders' order.

    Raises:
        ValueError: more than `MAX_ATTACHMENTS`, or data beside them that a client would take for a placeholder.
    """
    extraction = _Extraction()
    remaining = extraction.walk(data)
    if extraction.attachments and extraction.has_lookalike:
        raise ValueError("data looks like the place of an attachment")
    if len(extraction.attachments) > MAX_ATTACHMENTS:
        raise ValueError("more attachments than clients take")
    return remaining, tuple(extraction.attachments)


def has_places_for(data: Any, count: int) -> bool:
    """True when the placeholders in the payload name each of so many attachments exactly once."""
    places = list(_places(data))
    if not all(type(place.get(_NUMBER)) is int and len(place) == len((_MARK, _NUMBER)) for place in places):
        return False
    return sorted(place[_NUMBER] for place in places) == list(range(count))


def put_in(data: Any, attachments: Sequence[bytes]) -> Any:
    """The payload with each placeholder replaced; `has_places_for` holds."""
    if _is_place(data):
        return attachments[data[_NUMBER]]
    if isinstance(data, dict):
        return {name: put_in(item, attachments) for name, item in data.items()}
    if isinstance(data, list):
        return [put_in(item, attachments) for item in data]
    return data


def _is_place(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_MARK) is True


def _places(value: Any) -> Iterator[dict[str, Any]]:
    if _is_place(value):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _places(item)
    elif isinstance(value, list):
        for item in value:
            yield from _places(item)
