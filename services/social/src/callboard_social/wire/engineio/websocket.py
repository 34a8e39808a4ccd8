"""The WebSocket transport: a session's first one, or what a polling session moves to."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from callboard_contracts import close_codes
from starlette.types import Message, Receive, Send

from callboard_social.wire.connection import NO_CODE, PARTING_CODES
from callboard_social.wire.engineio.errors import MalformedPacket, PayloadTooLarge
from callboard_social.wire.engineio.options import Ending
from callboard_social.wire.engineio.packet import Packet, PacketType, decode_packet
from callboard_social.wire.protocol import Frame, bytes_of

if TYPE_CHECKING:
    from callboard_social.wire.engineio.session import EngineSession

NORMAL_CLOSURE = 1000
PROTOCOL_ERROR = 1002
_CLOSE_CODES = {
    Ending.MALFORMED: PROTOCOL_ERROR,
    Ending.TOO_LARGE: close_codes.MESSAGE_TOO_BIG.code,
    Ending.SLOW: close_codes.BACK_PRESSURE.code,
    Ending.SHUTDOWN: close_codes.SHUTTING_DOWN.code,
}
PROBE = "probe"


class WebSocket:
    """Carries the lane's frames out and packets in, once it is accepted."""

    def __init__(self, session: "EngineSession", receive: Receive, send: Send) -> None:
        self._session = session
        self._receive = receive
        self._send = send
        self._deadline: asyncio.Timeout | None = None
        self._is_leaving = False

    @property
    def is_attended(self) -> bool:
        return True

    def leave(self) -> None:
        if not self._is_leaving:
            self._is_leaving = True
            self._limit_linger()

    def _limit_linger(self) -> None:
        if not self._is_leaving or self._deadline is None or self._deadline.expired():
            return
        # One that has not taken over has nothing to deliver.
        has_more = self._session.transport is self
        linger = self._session.options.linger.total_seconds() if has_more else 0
        self._deadline.reschedule(asyncio.get_running_loop().time() + linger)

    async def carry(self) -> None:
        """Run until either side closes; then the session is over."""
        self._is_leaving = self._is_leaving or self._session.is_closing
        writer = asyncio.create_task(self._write())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as self._deadline:
                    self._limit_linger()
                    await self._read()
        finally:
            self._deadline = None
            self._session.end(Ending.LOST)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code", NO_CODE)
                self._session.end(Ending.CLIENT if code in PARTING_CODES else Ending.LOST)
                return
            try:
                await self._session.take(self._packet(message))
            except MalformedPacket:
                self._session.end(Ending.MALFORMED)
            except PayloadTooLarge:
                self._session.end(Ending.TOO_LARGE)

    def _packet(self, message: Message) -> Packet:
        text = message.get("text")
        data: str | bytes = message["bytes"] if text is None else text
        if bytes_of(data) > self._session.options.max_payload:
            raise PayloadTooLarge
        return Packet(PacketType.MESSAGE, data) if isinstance(data, bytes) else decode_packet(data)

    async def _write(self) -> None:
        with suppress(OSError):  # the peer is gone: reading ends too, and says so
            await self._session.lane.pour(self._write_frame)
            ending = self._session.ending
            code = NORMAL_CLOSURE if ending is None else _CLOSE_CODES.get(ending, NORMAL_CLOSURE)
            await self._send({"type": "websocket.close", "code": code})

    async def _write_frame(self, frame: Frame) -> None:
        if frame.text:
            await self._send({"type": "websocket.send", "text": frame.text})
        for attachment in frame.attachments:
            await self._send({"type": "websocket.send", "bytes": attachment})

    async def take_over(self) -> None:
        """Carry a polling session from here on, if the client goes through with it; else it polls on."""
        session = self._session
        session.upgrading = self
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(session.options.upgrade_timeout.total_seconds()) as self._deadline:
                    await self._probe()
        finally:
            self._deadline = None
            session.upgrading = None
        if session.transport is self:
            await self.carry()
        else:
            with suppress(OSError):
                await self._send({"type": "websocket.close", "code": NORMAL_CLOSURE})

    async def _probe(self) -> None:
        """The client asks whether this works, is told so, and then switches: only then nothing polls any more."""
        session = self._session
        if await self._next_text() != PacketType.PING + PROBE or session.is_over:
            return
        session.heard()
        await self._send({"type": "websocket.send", "text": PacketType.PONG + PROBE})
        session.polling.release_soon()
        if await self._next_text() != PacketType.UPGRADE or session.is_over:
            return
        session.heard()
        session.transport = self

    async def _next_text(self) -> str | None:
        message = await self._receive()
        return message.get("text")
