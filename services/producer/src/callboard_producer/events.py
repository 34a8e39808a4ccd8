"""An event as the relay takes it."""

from datetime import datetime
from typing import Any

from callboard_contracts.events import EventType
from callboard_contracts.wire import format_time
from callboard_servicekit import strict_json
from callboard_servicekit.request_context import current_request_id


def encode_event(kind: EventType, *, at: datetime, data: dict[str, Any], posted: dict[str, Any] | None = None) -> str:
    """The JSON of a `BusEvent` without ``v`` and ``position``, which the relay puts before it."""
    event = {"type": kind, "at": format_time(at), "data": data, "requestId": current_request_id()}
    if posted is not None:
        event["posted"] = posted
    return strict_json.dumps(event)
