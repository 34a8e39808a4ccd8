"""Test applications behind the namespaces of a Socket.IO server on a real port."""

from collections.abc import Mapping
from typing import Any

from callboard_contracts import close_codes
from callboard_social.dialects.socketio.application import Acknowledge
from callboard_social.dialects.socketio.socket import Socket

CODES = {str(code.code): code for code in close_codes.ALL}


class Echo:
    """Sends back what it gets, and ends its socket in every way on request.

    `ends` keeps what each end was; with a `refusal` it lets nobody in.
    """

    def __init__(self, socket: Socket, ends: list[tuple[str, bool]], refusal: Exception | None = None) -> None:
        self._socket = socket
        self._ends = ends
        self._refusal = refusal
        self._auth: dict[str, Any] = {}

    async def admit(self, auth: Mapping[str, Any]) -> None:
        if self._refusal is not None:
            raise self._refusal
        self._socket.admit()
        self._auth = dict(auth)

    async def greet(self) -> None:
        self._socket.emit("auth", self._auth)

    async def receive(self, event: str, arguments: list[Any], acknowledge: Acknowledge | None) -> None:
        match event:
            case "message":
                self._socket.emit("message-back", *arguments)
            case "message-with-ack" if acknowledge is not None:
                acknowledge(*arguments)
            case "ask":
                self._socket.emit("question", *arguments, acknowledged=self._answered)
            case "close":
                self._socket.emit("waiting")
                self._socket.close(CODES[arguments[0]])
            case "drop":
                self._socket.emit("waiting")
                self._socket.drop(CODES[arguments[0]])
            case "disconnect-me":
                self._socket.emit("waiting")
                self._socket.disconnect()
            case "fail":
                raise RuntimeError

    def _answered(self, arguments: list[Any]) -> None:
        self._socket.emit("answered", *arguments)

    def end(self, *, is_clean: bool) -> None:
        self._ends.append((self._socket.namespace, is_clean))


class Refusing(Echo):
    """Connects everybody, says by an event that it may not, and disconnects it."""

    async def admit(self, auth: Mapping[str, Any]) -> None:
        pass

    async def greet(self) -> None:
        self._socket.emit("refused")
        self._socket.disconnect()
