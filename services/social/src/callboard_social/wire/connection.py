"""One open socket and its out-lane.

Everything a socket receives goes through the one lane, in the order in which it happened: a reply can never overtake
an event that was there first. Putting something into the lane never waits, so the hub never waits for a client.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.native import MAX_INBOUND_BYTES
from starlette.types import Receive, Send

from callboard_social.wire.protocol import Frame

MAX_PENDING_BYTES = 1024 * 1024
"""Bound of what waits for one slow reader; beyond it the socket is closed, and its client comes back."""

OnText = Callable[[str | None], Awaitable[None]]
"""Called with each text message, and with None for a binary one."""


class Connection:
    """Carries frames out and messages in until either side closes."""

    __slots__ = ("_closing", "_lane", "_pending_bytes", "_send", "_wake", "id")

    def __init__(self, connection_id: str, send: Send) -> None:
        self.id = connection_id
        self._send = send
        self._lane: deque[Frame] = deque()
        self._pending_bytes = 0
        self._closing: tuple[int, str] | None = None
        self._wake = asyncio.Event()

    @property
    def is_closing(self) -> bool:
        """True once a close is in the lane: nothing goes in after it."""
        return self._closing is not None

    def enqueue(self, frame: Frame) -> None:
        """Put a frame into the lane; never waits.

        Over the bound what waits is dropped and the socket closes: it would otherwise see a gap.
        """
        if self._closing is not None:
            return
        self._lane.append(frame)
        self._pending_bytes += len(frame.text)
        if self._pending_bytes > MAX_PENDING_BYTES:
            self._lane.clear()
            self.close(close_codes.BACK_PRESSURE)
        self._wake.set()

    def close(self, code: CloseCode, reason: str | None = None) -> None:
        """Close after what is in the lane; the first close counts."""
        if self._closing is None:
            self._closing = (code.code, reason if reason is not None else code.reason)
            self._wake.set()

    async def carry(self, receive: Receive, on_text: OnText) -> None:
        """Run the socket until it is closed; messages are handled one after the other."""
        writer = asyncio.create_task(self._write())
        try:
            await self._read(receive, on_text)
        finally:
            self.close(close_codes.SHUTTING_DOWN)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _read(self, receive: Receive, on_text: OnText) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if _is_too_big(text if text is not None else message["bytes"]):
                self.close(close_codes.MESSAGE_TOO_BIG)
            elif not self.is_closing:
                await on_text(text)

    async def _write(self) -> None:
        try:
            while self._closing is None or self._lane:
                await self._wake.wait()
                self._wake.clear()
                while self._lane:
                    frame = self._lane.popleft()
                    self._pending_bytes -= len(frame.text)
                    await self._send({"type": "websocket.send", "text": frame.text})
            code, reason = self._closing
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError:
            return  # the peer is gone: reading ends too, and says so


def _is_too_big(message: str | bytes) -> bool:
    if len(message) > MAX_INBOUND_BYTES:
        return True
    return isinstance(message, str) and not message.isascii() and len(message.encode()) > MAX_INBOUND_BYTES
