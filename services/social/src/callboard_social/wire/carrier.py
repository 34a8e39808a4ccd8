"""Uvicorn's WebSocket protocol, which carries the sockets for now, with what it lacks."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_BYTES_AFTER_CLOSE = 128 * 1024


class BoundedCarrier(WebSocketsSansIOProtocol):
    """After our close frame only the peer's is worth reading, and an upgrade that was refused is no mistake of ours.

    Uvicorn reads on for ten seconds, as fast as the peer sends, and parses it all: whoever was closed for saying too
    much would then be heard without any limit. Beyond the bound the connection is cut. And it logs an error for every
    upgrade that is answered with a response.
    """

    _bytes_after_close = 0

    def data_received(self, data: bytes) -> None:
        if self.close_sent:
            self._bytes_after_close += len(data)
            if self._bytes_after_close > MAX_BYTES_AFTER_CLOSE:
                self.transport.abort()
                return
        super().data_received(data)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True
