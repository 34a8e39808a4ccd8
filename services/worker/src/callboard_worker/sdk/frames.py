"""Frames of the native dialect, as a client reads them."""

import json
from collections.abc import Mapping
from typing import Any

from callboard_contracts.events import Event
from callboard_contracts.native import Bus, Connected, Draining, Error, Reset, Subscribed

Frame = Event | Connected | Subscribed | Error | Reset | Bus | Draining

_CONTROL: Mapping[str, type[Frame]] = {
    "connected": Connected,
    "subscribed": Subscribed,
    "error": Error,
    "reset": Reset,
    "bus": Bus,
    "draining": Draining,
}
_EVENT_MEMBERS = frozenset({"type", "channel", "position", "data"})


class MalformedFrame(ValueError):
    """What came is no frame of the dialect."""


def parse_frame(text: str | bytes) -> Frame | None:
    """The frame; None for one of a type that this release does not know. Raises MalformedFrame."""
    try:
        frame = json.loads(text)
        shape = _shape(frame)
        return None if shape is None else shape.model_validate(frame)
    except (ValueError, RecursionError) as error:
        raise MalformedFrame("the server sent a malformed frame") from error


def _shape(frame: Any) -> type[Frame] | None:
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise MalformedFrame("a frame is an object with a type")
    if frame["type"] in _CONTROL:
        return _CONTROL[frame["type"]]
    return Event if frame.keys() >= _EVENT_MEMBERS else None
