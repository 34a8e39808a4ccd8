"""A slim socket between a receiver that keeps what it is told and a peer in memory."""

import asyncio
from dataclasses import dataclass, field

from callboard_social.handoff.frames import text_frame
from callboard_social.handoff.messages import MessageParser
from callboard_social.handoff.slim_socket import SlimSocket, SocketLimits
from callboard_testkit.raw_peer import frame
from websockets.frames import Opcode

from .memory_transport import HIGH_WATER, MemoryTransport

MAX_MESSAGE = 64 * 1024
LIMITS = SocketLimits(MAX_MESSAGE, max_waiting=16 * 1024)


@dataclass
class Told:
    """A receiver; `end` is None until it is lost, and nothing may be told after that."""

    messages: list[str | bytes] = field(default_factory=list)
    silences: int = 0
    end: tuple[int, bool] | None = None

    @property
    def is_over(self) -> bool:
        return self.end is not None

    def received(self, message: str | bytes) -> None:
        assert not self.is_over
        self.messages.append(message)

    def silent(self) -> None:
        assert not self.is_over
        self.silences += 1

    def lost(self, code: int, *, is_ours: bool) -> None:
        assert not self.is_over
        self.end = code, is_ours


@dataclass
class Stand:
    socket: SlimSocket
    peer: MemoryTransport
    told: Told
    connections: set[object]


def open_socket(limits: SocketLimits = LIMITS, *, told: Told | None = None, is_paused: bool = False) -> Stand:
    """As after a hand-off."""
    told = told or Told()
    peer, connections = MemoryTransport(), set[object]()
    socket = SlimSocket(peer, MessageParser(limits.max_message), told, limits)
    socket.begin(connections, is_paused=is_paused)
    return Stand(socket, peer, told, connections)


BIG = text_frame("x" * HIGH_WATER)
"""More than the transport takes without a word."""


def stalled() -> Stand:
    """Its peer does not read, and the transport has had enough."""
    stand = open_socket()
    stand.peer.stall()
    assert stand.socket.write(BIG)
    return stand


async def turns(count: int = 3) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


def ping(payload: bytes = b"") -> bytes:
    """As a client sends it."""
    return frame(Opcode.PING, payload)


def text(payload: str) -> bytes:
    """As a client sends it."""
    return frame(Opcode.TEXT, payload.encode())


def close_payload(code: int, reason: str = "") -> bytes:
    """What a close frame carries."""
    return code.to_bytes(2) + reason.encode()
