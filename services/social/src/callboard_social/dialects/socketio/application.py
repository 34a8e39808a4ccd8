"""What stands behind a namespace, and what it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from callboard_contracts.identity import Identity

from callboard_social.dialects.socketio.socket import Socket
from callboard_social.limits import RateLimit
from callboard_social.wire.protocol import Frame

Acknowledge = Callable[..., None]
"""Answers one event with these arguments; only the first call counts."""


class ConnectRefused(Exception):
    """A client that may not connect to this namespace; it does not come back by itself."""

    def __init__(self, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class SocketSession(Protocol):
    """What an application keeps for one socket. Its methods are called one after the other, `end` last."""

    async def admit(self, auth: Mapping[str, Any]) -> None:
        """Before CONNECT is answered; what is put into the socket's lane now is not sent.

        Here or in `greet`, once it knows who this is, it calls `Socket.admit`: else the session is closed soon.

        Raises:
            ConnectRefused: a connect error is the answer.
            ServiceError: 429 and 5xx close the transport, and the client comes back; any other is a connect error.
        """
        ...

    async def greet(self) -> None:
        """Right after the answer is in the lane; raises as `admit` does, and a refusal is then a disconnect packet."""
        ...

    async def receive(self, event: str, arguments: list[Any], acknowledge: Acknowledge | None) -> None:
        """One event; `acknowledge` when the client asked for it.

        To answer what it cannot grant is the application's part: whatever is raised here is logged, without what the
        client sent, and the socket stays.
        """
        ...

    def end(self, *, is_clean: bool) -> None:
        """Exactly once, if `admit` was called. `is_clean`: one side said that this is the end."""
        ...


@dataclass(slots=True)
class Visit:
    """What the sockets of one session share. `presented` is who its handshake proves, if it carries a token."""

    presented: Identity | None = None
    violations: RateLimit | None = None
    """Of the protocol; None until there is one."""


Application = Callable[[Socket, Visit], SocketSession]


class Traffic(Protocol):
    """Counts packets. What is put into a lane with `enqueue`, whoever puts it there counts."""

    def inbound(self, kind: str, size: int) -> None: ...

    def outbound(self, frame: Frame) -> None: ...
