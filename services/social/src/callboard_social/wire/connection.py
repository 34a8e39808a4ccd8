"""One open socket and its out-lane: a reply can never overtake an event that was there first."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode, Return
from callboard_contracts.native import MAX_INBOUND_BYTES
from starlette.types import Receive, Send

from callboard_social.wire.inbound import InboundBudget
from callboard_social.wire.lane import Lane
from callboard_social.wire.protocol import Frame, bytes_of

NO_CODE = 1005
PARTING_CODES = frozenset({1000, 1001})
"""What a client closes with that is done, or whose page is left."""
LINGER_SECONDS = 10.0
"""What a peer that stopped reading has to take the close frame; then the socket is over without it."""

OnText = Callable[[str | None], Awaitable[None]]
"""Called with each text message, and with None for a binary one."""


class Connection:
    """Carries frames out and messages in until either side closes."""

    __slots__ = ("_closing", "_deadline", "_inbound", "_lane", "_send", "id", "peer_code")

    def __init__(self, connection_id: str, send: Send) -> None:
        self.id = connection_id
        self.peer_code: int | None = None
        self._send = send
        self._lane = Lane()
        self._closing: CloseCode | None = None
        self._deadline: asyncio.Timeout | None = None
        self._inbound = InboundBudget()

    @property
    def close_code(self) -> CloseCode | None:
        """What we close with; None while we do not. Beside it `peer_code` is set when the peer closed first."""
        return self._closing

    @property
    def has_parted(self) -> bool:
        """True when one side said that this is the end; otherwise the client may be back in a moment."""
        if self.peer_code is not None:
            return self.peer_code in PARTING_CODES
        return self._closing is not None and self._closing.then is Return.NEVER

    @property
    def is_closing(self) -> bool:
        """True once a close is in the lane: nothing goes in after it."""
        return self._closing is not None

    def enqueue(self, frame: Frame) -> None:
        """Put a frame into the lane; never waits.

        Over the bound what waits is dropped and the socket closes: it would otherwise see a gap.
        """
        if self._closing is None and not self._lane.put(frame):
            self.drop(close_codes.BACK_PRESSURE)

    def close(self, code: CloseCode) -> None:
        """Close after what is in the lane; the first close counts."""
        if self._closing is None:
            self._closing = code
            self._lane.end()
            self._limit_linger()

    def drop(self, code: CloseCode) -> None:
        """Close without what is in the lane: it may not be seen any more, or never will be."""
        self._lane.clear()
        self.close(code)

    def _limit_linger(self) -> None:
        if self._closing is not None and self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + LINGER_SECONDS)

    async def carry(self, receive: Receive, on_text: OnText) -> None:
        """Run the socket until it is closed; messages are handled one after the other."""
        writer = asyncio.create_task(self._write())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as self._deadline:
                    self._limit_linger()
                    await self._read(receive, on_text)
        finally:
            self._deadline = None
            self.close(close_codes.SHUTTING_DOWN)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _read(self, receive: Receive, on_text: OnText) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                if not self.is_closing:
                    self.peer_code = message.get("code", NO_CODE)
                return
            text = message.get("text")
            size = bytes_of(text if text is not None else message["bytes"])
            if size > MAX_INBOUND_BYTES:
                self.close(close_codes.MESSAGE_TOO_BIG)
            if not self.is_closing:
                await on_text(text)
            # What has been read already is given out without a pause, and others would wait for all of it: even
            # when there is nothing to wait for, they have their turn.
            await asyncio.sleep(self._inbound.spend(size))

    async def _write(self) -> None:
        try:
            await self._lane.pour(self._write_frame)
            closing = self._closing or close_codes.SHUTTING_DOWN
            await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})
        except OSError:
            return  # the peer is gone: reading ends too, and says so

    async def _write_frame(self, frame: Frame) -> None:
        await self._send({"type": "websocket.send", "text": frame.text})
