"""HTTP long-polling: a GET waits for what the lane has, a POST brings what the client says."""

import asyncio
import re
from typing import TYPE_CHECKING

from starlette.types import Receive, Send

from callboard_social.handoff.inbound import InboundBudget
from callboard_social.wire.engineio.errors import (
    DuplicateRequest,
    MalformedPacket,
    PayloadTooLarge,
    TransportRefused,
    UnknownSession,
)
from callboard_social.wire.engineio.options import Ending
from callboard_social.wire.engineio.packet import SEPARATOR, PacketType, decode_payload, encode_frame
from callboard_social.wire.lane import Lane
from callboard_social.wire.protocol import Batch, Frame

if TYPE_CHECKING:
    from callboard_social.wire.engineio.session import EngineSession

MAX_POLL_BYTES = 256 * 1024
"""After this much the rest is for the next GET; to encode it all at once would keep everybody else waiting."""
MAX_POLL_PACKETS = 1_000
_PYTHON_CLIENT = re.compile(r"\b(python-requests|aiohttp)/")
"""What python-engineio's client calls itself."""
PYTHON_CLIENT_PACKETS = 16
"""More in one answer, and that client gives up the session."""
NOOP_SECONDS = 0.1
"""A GET that comes while a WebSocket takes over has to end before the client switches; one that comes again and again,
because the client did not hear the answer to its probe, must not spin."""


class Polling:
    """At most one GET and one POST at a time.

    Args:
        session: what it carries.
        user_agent: what the client calls itself.
    """

    __slots__ = ("_budget", "_is_polled", "_is_pushed", "_is_python", "_session", "_waiting", "lane")

    def __init__(self, session: "EngineSession", user_agent: str) -> None:
        self._session = session
        self._budget = InboundBudget()
        self.lane = Lane()
        self._is_polled = False
        self._is_pushed = False
        self._waiting: asyncio.Timeout | None = None
        self._is_python = _PYTHON_CLIENT.search(user_agent) is not None

    @property
    def is_attended(self) -> bool:
        return self._is_polled

    @property
    def is_held(self) -> bool:
        return False

    def put(self, frame: Frame) -> bool:
        is_within_bound = self.lane.put(frame)
        self.release()
        return is_within_bound

    def write(self, batch: Batch) -> bool:
        # The last one tells: what waits only becomes more.
        return [self.put(frame) for frame in batch.frames][-1]

    def clear(self) -> None:
        self.lane.clear()

    def leave(self) -> None:
        self.release()

    def release(self) -> None:
        """Have the GET that waits answered now, with whatever there is."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.expired():
            waiting.reschedule(0)

    def release_soon(self) -> None:
        """Have the GET that waits answered in a moment, unless its client has switched to a WebSocket by then."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time() + NOOP_SECONDS)

    async def poll(self, receive: Receive, send: Send) -> None:
        """Answer a GET when there is something to say; what a client does not wait for stays in the lane.

        Raises:
            DuplicateRequest: another GET waits; the session is over.
            TransportRefused: a WebSocket has taken over meanwhile.
            UnknownSession: it is over, and its client is told so by this.
        """
        session = self._session
        if self._is_polled:
            session.end(Ending.DUPLICATE)
            raise DuplicateRequest
        self._is_polled = True
        try:
            within = NOOP_SECONDS if session.upgrading is not None else None
            is_waiting = not self.lane and not session.is_closing
            if (is_waiting and await self._leaves(receive, within)) or await self._leaves(receive, 0):
                return
            is_last, packets = self._next_packets()
            if packets:
                await respond(send, SEPARATOR.join(packets))
        finally:
            self._is_polled = False
        if is_last and session.ending is not None:
            session.end(session.ending)
        if not packets:
            raise UnknownSession

    async def _leaves(self, receive: Receive, within: float | None) -> bool:
        """True when the client goes away before it is released, or before so many seconds are over."""
        try:
            async with asyncio.timeout(within) as self._waiting:
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        finally:
            self._waiting = None
        return True

    def _next_packets(self) -> tuple[bool, list[str]]:
        """What the GET is answered, and before it whether that is the last word."""
        session = self._session
        if session.transport is not self:
            # It was to switch only when its GET was answered: whatever waits here is another's, or too late.
            raise TransportRefused
        packets = self._take_from_lane()
        # In an answer of its own: the standard client reads what came with it a tick after the close.
        is_last = session.is_closing and not packets
        if is_last:
            packets = self._goodbye()
        return is_last, packets if packets or is_last else [PacketType.NOOP]

    def _take_from_lane(self) -> list[str]:
        lane, packets, size = self.lane, list[str](), 0
        max_packets = PYTHON_CLIENT_PACKETS if self._is_python else MAX_POLL_PACKETS
        while lane and size < MAX_POLL_BYTES:
            more = list(encode_frame(lane.first))
            if packets and len(packets) + len(more) > max_packets:
                break
            size += lane.take().size
            packets += more
        return packets

    def _goodbye(self) -> list[str]:
        ending = self._session.ending
        if ending is Ending.CLIENT:
            return [PacketType.NOOP]
        if self._is_python and ending is not Ending.DROPPED:
            # That client stays away when it is sent a close packet; from a session that is gone it comes back.
            return []
        return [PacketType.CLOSE]

    async def push(self, receive: Receive, send: Send) -> None:
        """Hand over what a POST brings, then answer it.

        Raises:
            DuplicateRequest, MalformedPacket, PayloadTooLarge: the session is over.
            UnknownSession: it was over before everything was handed over.
        """
        session = self._session
        if self._is_pushed:
            session.end(Ending.DUPLICATE)
            raise DuplicateRequest
        self._is_pushed = True
        try:
            body = await self._read(receive)
            if body is None:
                return
            await session.take(decode_payload(body, session.options.max_packets), self._budget)
        except MalformedPacket:
            session.end(Ending.MALFORMED)
            raise
        except PayloadTooLarge:
            session.end(Ending.TOO_LARGE)
            raise
        finally:
            self._is_pushed = False
        if session.is_over and session.ending is not Ending.CLIENT:
            raise UnknownSession
        await respond(send, "ok")

    async def _read(self, receive: Receive) -> bytes | None:
        """The body, or None when the client went away in the middle of it."""
        parts, size, has_more = [], 0, True
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            size += len(part)
            if size > self._session.options.max_payload:
                raise PayloadTooLarge
            self._session.heard()
            parts.append(part)
            has_more = message.get("more_body", False)
        return b"".join(parts)


async def respond(send: Send, text: str) -> None:
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=UTF-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
