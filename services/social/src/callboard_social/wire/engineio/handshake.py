"""The request that opens a session: what is kept of it, and how it is answered."""

import json
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.types import Scope

from callboard_social.wire.engineio.options import EngineOptions
from callboard_social.wire.engineio.packet import PacketType

KEY_HEADER = "X-Sio-Key"
"""By it the gateway finds the replica again: it takes the first characters of a sid for the key."""
_KEY = re.compile(r"[0-9a-f]{32}")
_KEPT_KEYS = ("type", "method", "client", "query_string")
_KEPT_HEADERS = frozenset({b"authorization", b"cookie", b"origin", b"sec-fetch-site"})
"""What says who asks: an application may look for it as long as the session is open. Browsers send a dozen others."""


def kept_of(scope: Scope) -> Scope:
    """What a session keeps of its request: as little as tells who asks, and from where."""
    kept = {key: scope[key] for key in _KEPT_KEYS if key in scope}
    return kept | {"headers": [(name, value) for name, value in scope["headers"] if name in _KEPT_HEADERS]}


def new_id(connection: HTTPConnection) -> str:
    key = connection.headers.get(KEY_HEADER, "")
    return (key if _KEY.fullmatch(key) else secrets.token_hex(16)) + secrets.token_hex(16)


def open_packet(session_id: str, options: EngineOptions, upgrades: Sequence[str]) -> str:
    """The first packet of a session."""
    fields = {
        "sid": session_id,
        "upgrades": list(upgrades),
        "pingInterval": options.ping_interval // timedelta(milliseconds=1),
        "pingTimeout": options.ping_timeout // timedelta(milliseconds=1),
        "maxPayload": options.max_payload,
    }
    return PacketType.OPEN + json.dumps(fields, separators=(",", ":"))
