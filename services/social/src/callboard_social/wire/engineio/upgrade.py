"""From polling to a WebSocket: the client tries it first, and polls on until it is sure."""

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING

from callboard_social.wire.engineio.packet import PacketType
from callboard_social.wire.engineio.polling import Polling
from callboard_social.wire.engineio.session import EngineSession

if TYPE_CHECKING:
    from callboard_social.wire.engineio.websocket import WebSocket

PROBE = "probe"


class Upgrade:
    """What a WebSocket says and hears until it takes a session over, or is given up.

    The client asks whether this works, is told so, and then switches: only then nothing polls any more.
    """

    __slots__ = ("_is_probed", "_polling", "_session", "_timer", "_websocket")

    def __init__(self, session: EngineSession, polling: Polling, websocket: "WebSocket") -> None:
        self._session = session
        self._polling = polling
        self._websocket = websocket
        self._is_probed = False
        seconds = session.options.upgrade_timeout.total_seconds()
        # In a context of its own: that of the handshake holds its request.
        self._timer = asyncio.get_running_loop().call_later(seconds, self.leave, context=Context())
        session.upgrading = self

    def received(self, message: str | bytes) -> None:
        expected = PacketType.UPGRADE if self._is_probed else PacketType.PING + PROBE
        if message != expected:
            self.leave()
            return
        self._session.heard()
        if self._is_probed:
            self.end()
            self._websocket.take_over()
        else:
            self._is_probed = True
            self._websocket.say(PacketType.PONG + PROBE)
            self._polling.release_soon()

    def leave(self) -> None:
        """Give up: the client polls on, if its session is not over."""
        self.end()
        self._websocket.part()

    def end(self) -> None:
        self._timer.cancel()
        self._session.upgrading = None
