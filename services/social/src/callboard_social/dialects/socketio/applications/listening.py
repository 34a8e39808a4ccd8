"""A socket that hears and has nothing to ask."""

from typing import Any

from callboard_social.dialects.socketio.application import Acknowledge, Visit
from callboard_social.dialects.socketio.applications.admission import Admission, Seat
from callboard_social.dialects.socketio.applications.dialect import SocketIoDialect
from callboard_social.dialects.socketio.socket import Socket


class ListeningSession:
    """What the applications have in common that take no events: each says who is let in, and what it hears."""

    __slots__ = ("_admission", "_dialect", "_seat", "_socket", "_visit")

    def __init__(self, socket: Socket, visit: Visit, admission: Admission, dialect: SocketIoDialect) -> None:
        self._socket = socket
        self._visit = visit
        self._admission = admission
        self._dialect = dialect
        self._seat: Seat | None = None

    async def receive(self, event: str, arguments: list[Any], acknowledge: Acknowledge | None) -> None:  # noqa: ARG002
        """Whatever it is; who waits for an answer gets one."""
        if acknowledge is not None:
            acknowledge({"ok": False, "code": "unknown-event"})

    def end(self, *, is_clean: bool) -> None:
        if self._seat is not None:
            self._seat.end(is_clean=is_clean)
