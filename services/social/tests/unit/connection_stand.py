"""A native connection between its handler and a peer in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from callboard_social.handoff import Receiver, SlimSocket, SocketLimits
from callboard_social.handoff.messages import MessageParser
from callboard_social.handoff.upgrade import EXTENSION
from callboard_social.wire.connection import Connection
from starlette.types import Scope
from websockets.frames import Opcode

from .memory_transport import MemoryTransport
from .slim_socket_stand import LIMITS


async def ignore(_text: str | None) -> None:
    pass


@dataclass
class Served:
    """A connection, its peer, and its handler: itself."""

    connection: Connection = field(default_factory=lambda: Connection("c"))
    peer: MemoryTransport = field(default_factory=MemoryTransport)
    answer: Callable[[str | None], Awaitable[None]] = ignore
    handled: list[str | None] = field(default_factory=list)
    ends: int = 0

    def open(self, limits: SocketLimits = LIMITS, *, early: bytes = b"") -> "Served":
        """Accept; `early` came before that."""
        self.connection.open(self._scope(early), limits, self)
        return self

    def _scope(self, early: bytes) -> Scope:
        def hand_off(receiver: Receiver, limits: SocketLimits, first: bytes) -> SlimSocket:
            self.peer.write(first)
            socket = SlimSocket(self.peer, MessageParser(limits.max_message), receiver, limits)
            socket.begin(set(), is_paused=False)
            if early:
                socket.data_received(early)
            return socket

        return {"type": "websocket", "extensions": {EXTENSION: hand_off}}

    async def handle(self, text: str | None) -> None:
        assert not self.ends
        await self.answer(text)
        self.handled.append(text)

    def ended(self) -> None:
        self.ends += 1

    def heard(self) -> list[str]:
        """Texts, and the close as code and reason."""
        return [readable(opcode, payload) for opcode, payload in self.peer.frames()]


def readable(opcode: Opcode, payload: bytes) -> str:
    if opcode is Opcode.CLOSE:
        return f"{int.from_bytes(payload[:2])} {payload[2:].decode()}"
    return payload.decode()
