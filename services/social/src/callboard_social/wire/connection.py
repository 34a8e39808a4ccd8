"""One open socket and its out-lane.

Everything a socket receives goes through the one lane, in the order in which it happened: a reply can never overtake
an event that was there first. Putting something into the lane never waits, so the hub never waits for a client.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode, Return
from callboard_contracts.native import MAX_INBOUND_BYTES
from starlette.types import Receive, Send

from callboard_social.wire.inbound import InboundBudget
from callboard_social.wire.protocol import Frame, bytes_of

MAX_PENDING_BYTES = 1024 * 1024
"""Bound of what waits for one slow reader; beyond it the socket is closed, and its client comes back. A frame that
waits alone may be larger: whoever reads gets it."""
FRAMES_IN_A_ROW = 64
NO_CODE = 1005
PARTING_CODES = frozenset({1000, 1001})
"""What a client closes with that is done, or whose page is left."""
LINGER_SECONDS = 10.0
"""What a peer that stopped reading has to take the close frame; then the socket is over without it."""

OnText = Callable[[str | None], Awaitable[None]]
"""Called with each text message, and with None for a binary one."""


class Connection:
    """Carries frames out and messages in until either side closes."""

    __slots__ = ("_closing", "_deadline", "_inbound", "_lane", "_pending_bytes", "_send", "_wake", "id", "peer_code")

    def __init__(self, connection_id: str, send: Send) -> None:
        self.id = connection_id
        self.peer_code: int | None = None
        self._send = send
        self._lane: deque[Frame] = deque()
        self._pending_bytes = 0
        self._closing: CloseCode | None = None
        self._wake = asyncio.Event()
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
        if self._closing is not None:
            return
        self._lane.append(frame)
        self._pending_bytes += len(frame.text)
        if self._pending_bytes > MAX_PENDING_BYTES and len(self._lane) > 1:
            self.drop(close_codes.BACK_PRESSURE)
        self._wake.set()

    def close(self, code: CloseCode) -> None:
        """Close after what is in the lane; the first close counts."""
        if self._closing is None:
            self._closing = code
            self._wake.set()
            self._limit_linger()

    def drop(self, code: CloseCode) -> None:
        """Close without what is in the lane: it may not be seen any more, or never will be."""
        self._lane.clear()
        self._pending_bytes = 0
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

    async def _write_lane(self) -> None:
        written = 0
        while self._lane:
            frame = self._lane.popleft()
            self._pending_bytes -= len(frame.text)
            await self._send({"type": "websocket.send", "text": frame.text})
            written += 1
            if written % FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)  # sending does not pause while the peer reads

    async def _write(self) -> None:
        try:
            while self._closing is None or self._lane:
                await self._wake.wait()
                self._wake.clear()
                await self._write_lane()
            await self._send({"type": "websocket.close", "code": self._closing.code, "reason": self._closing.reason})
        except OSError:
            return  # the peer is gone: reading ends too, and says so
