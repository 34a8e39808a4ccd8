"""uvicorn's ``http=`` protocol, until a connection has said what it is for.

uvicorn's own parses an upgrade header by header, asks itself three times whether it is one, and writes the request out
again for the WebSocket's protocol, which reads it anew. Here an upgrade that arrives whole, in the plain grammar of
RFC 9112, is given to `HandoffProtocol` as it came. Everything else is uvicorn's.
"""

import asyncio
import re
from typing import Any, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from callboard_social.handoff.upgrade import HandoffProtocol

_HEAD = re.compile(rb"GET /[!-~]* HTTP/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)+\r\n")
"""A whole head without anything that parsers are known to read in two ways."""
_UPGRADE = re.compile(rb"\r\nupgrade:[\t ]*websocket[\t ]*\r\n", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:(?:[^\r]*,)?[\t ]*upgrade[\t ]*(?:,[^\r]*)?\r\n", re.IGNORECASE)
_HOP = re.compile(rb"\r\n(?:upgrade|connection):", re.IGNORECASE)
_HOPS = 2
"""One of each: of several, parsers differ on which one counts."""
_BODY = re.compile(rb"\r\n(?:content-length|transfer-encoding|expect):", re.IGNORECASE)


def upgrade_head(data: bytes) -> bytes:
    """The head of the plain upgrade that `data` begins with; empty when it begins with anything else."""
    match = _HEAD.match(data)
    if match is None:
        return b""
    head = match[0]
    is_plain = len(_HOP.findall(head)) == _HOPS and not _BODY.search(head)
    return head if is_plain and _UPGRADE.search(head) and _CONNECTION.search(head) else b""


class FirstBytes(asyncio.Protocol):
    """A connection on which nothing was said yet. uvicorn counts on the same as with `HandoffProtocol`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._connections = cast("set[object]", server_state.connections)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._connections.discard(self)
        head = upgrade_head(data)
        protocol_class = HandoffProtocol if head else HttpToolsProtocol
        protocol = protocol_class(self._config, self._server_state, self._app_state)
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        protocol.data_received(head or data)
        if head and len(data) > len(head):
            protocol.data_received(data[len(head) :])

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)

    def shutdown(self) -> None:
        """The server ends; it calls this on each of its connections."""
        self._transport.close()
