"""Uvicorn's WebSocket protocol, which carries the sockets for now, with one bound that it lacks."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_BYTES_AFTER_CLOSE = 128 * 1024


class BoundedCarrier(WebSocketsSansIOProtocol):
    """After our close frame only the peer's is worth reading.

    Uvicorn reads on for ten seconds, as fast as the peer sends, and parses it all: whoever was closed for saying too
    much would then be heard without any limit. Beyond the bound the connection is cut.
    """

    _bytes_after_close = 0

    def data_received(self, data: bytes) -> None:
        if self.close_sent:
            self._bytes_after_close += len(data)
            if self._bytes_after_close > MAX_BYTES_AFTER_CLOSE:
                self.transport.abort()
                return
        super().data_received(data)
