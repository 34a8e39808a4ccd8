"""A socket and its application: one call after the other, the end last, and no fault of it that ends the session."""

import asyncio
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import structlog
from callboard_servicekit.errors import ServiceError

from callboard_social.dialects.socketio.application import ConnectRefused, SocketSession
from callboard_social.dialects.socketio.packet import Packet, event_name
from callboard_social.dialects.socketio.socket import Socket

log = structlog.get_logger(__name__)


class Conversation:
    """`socket` is where the application speaks; what is done here is what its client did."""

    __slots__ = ("_is_called", "_session", "_verdict", "socket")

    def __init__(self, socket: Socket, session: SocketSession) -> None:
        self.socket = socket
        self._session = session
        self._is_called = False
        self._verdict: bool | None = None

    async def begin(self, auth: Mapping[str, Any]) -> None:
        """Admit, answer and greet, or refuse."""
        with self._called():
            try:
                await self._session.admit(auth)
                if self.socket.connect():
                    await self._session.greet()
            except ConnectRefused as refusal:
                self.socket.refuse(refusal.message, refusal.data)
            except ServiceError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - an application may raise anything; its client tries again
                self._report("socket_not_opened", error)
                self.socket.postpone()

    async def receive(self, packet: Packet) -> None:
        """An event."""
        acknowledge = None if packet.id is None else self.socket.answering(packet.id)
        with self._called(), self._reporting("socket_event_failed"):
            await self._session.receive(event_name(packet.data), packet.data[1:], acknowledge)

    def acknowledged(self, packet: Packet) -> None:
        """An acknowledgement; one that nobody waits for is ignored."""
        waiting = None if packet.id is None else self.socket.acknowledged(packet.id)
        if waiting is not None:
            with self._reporting("socket_acknowledgement_failed"):
                waiting(packet.data)

    def end(self, *, is_clean: bool) -> None:
        """Nothing is said or awaited any more. The application hears of it soon, after a call that is running.

        Not now: whoever closes a socket may be on a walk through the members of the hub.
        """
        self.socket.forget()
        self._verdict = is_clean
        if not self._is_called:
            asyncio.get_running_loop().call_soon(self._tell_end)

    def _tell_end(self) -> None:
        with self._reporting("socket_end_failed"):
            self._session.end(is_clean=bool(self._verdict))

    @contextmanager
    def _called(self) -> Iterator[None]:
        self._is_called = True
        try:
            yield
        finally:
            self._is_called = False
            if self._verdict is not None:
                self._tell_end()

    def _fail(self, error: ServiceError) -> None:
        if error.is_temporary or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.info("socket_postponed", connection=self.socket.id, code=error.code)
            self.socket.postpone()
        else:
            self.socket.refuse(error.detail, {"status": int(error.status), "code": error.code})

    @contextmanager
    def _reporting(self, event: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a fault in answering one packet is not the end of the session
            self._report(event, error)

    def _report(self, event: str, error: Exception) -> None:
        """Log what was raised and where, not its own text: that may hold what the client sent."""
        where = "".join(traceback.format_tb(error.__traceback__))
        socket = self.socket
        log.error(event, connection=socket.id, namespace=socket.namespace, error=type(error).__name__, where=where)
