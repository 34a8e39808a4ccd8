"""uvicorn's ``ws=`` protocol: an ASGI application answers the handshake, and may take the socket out of its hands."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextvars import Context
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.utils import ClientDisconnected, get_remote_addr
from uvicorn.server import ServerState

from callboard_social.handoff.asgi_socket import AsgiSocket
from callboard_social.handoff.messages import MessageParser
from callboard_social.handoff.opening import Opening, OpeningRefused, refusal
from callboard_social.handoff.slim_socket import Receiver, SlimSocket, SocketLimits

EXTENSION = "callboard.handoff"
MAX_EARLY_BYTES = 64 * 1024
"""What a client may send before it is answered; it should send nothing."""

log = logging.getLogger(__name__)

HandOff = Callable[[Receiver, SocketLimits, bytes], SlimSocket]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def hand_off(scope: Scope, receiver: Receiver, limits: SocketLimits, first: bytes = b"") -> SlimSocket:
    """Take the socket out of the server's hands, for good.

    To be called by the application once it has sent ``websocket.accept``, and before it receives or sends anything
    else; then it returns. `first` are whole frames: they go out in one write with the answer to the handshake.

    Raises:
        KeyError: the server's ``ws`` is not `HandoffProtocol`.
    """
    give: HandOff = scope["extensions"][EXTENSION]
    return give(receiver, limits, first)


class HandoffProtocol(asyncio.Protocol):
    """One handshake: made when a request asks for an upgrade, and given that request in one piece.

    What uvicorn counts on: it stands in `server_state.connections` while it has the transport, its task in
    `server_state.tasks`, and `shutdown` ends it.
    """

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._connections = cast("set[object]", server_state.connections)
        self._transport: asyncio.Transport
        self._opening: Opening | None = None
        self._early = b""
        self._answer = b""
        """What accepts, until it is written."""
        self._is_connect_told = False
        self._is_answered = False
        self._is_accepted = False
        self._is_lost = False
        self._is_paused = False
        self._response: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._body = b""
        self._gone: asyncio.Event = asyncio.Event()
        self._socket: AsgiSocket | None = None
        """What carries on when the application does not take the socket."""
        self._is_handed_off = False

    # What uvicorn and the loop call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._opening is not None or self._is_answered:
            self._early += data
            if len(self._early) > MAX_EARLY_BYTES:
                self._transport.abort()
            return
        try:
            self._opening = Opening.parse(data)
        except OpeningRefused as refused:
            headers = [*refused.headers, (b"Content-Type", b"text/plain; charset=utf-8")]
            self._refuse(refused.status, headers, refused.detail.encode())
            return
        task = asyncio.get_running_loop().create_task(self._run(self._scope(self._opening)))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False

    def connection_lost(self, _error: Exception | None) -> None:
        self._is_lost = self._is_answered = True
        self._connections.discard(self)
        self._gone.set()

    def shutdown(self) -> None:
        """The server ends; it calls this on each of its connections."""
        if not self._is_answered:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, [], b"")

    # The application's side

    def _scope(self, opening: Opening) -> Scope:
        raw_path, _, query_string = opening.target.partition(b"?")
        root_path = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "server": None,  # nobody asks, and the system would be asked for every socket
            "client": get_remote_addr(self._transport),
            "root_path": root_path,
            "path": root_path + unquote_to_bytes(raw_path).decode(errors="replace"),
            "raw_path": root_path.encode() + raw_path,
            "query_string": query_string,
            "headers": opening.headers,
            "subprotocols": opening.subprotocols,
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self._give_away},
        }

    async def _run(self, scope: Scope) -> None:
        application = cast("Application", self._config.loaded_app)
        try:
            await application(scope, self._receive, self._send)
        except ClientDisconnected:
            pass
        except Exception:
            log.exception("the application failed at a WebSocket")
        if not self._is_answered:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, [], b"")
        elif self._is_accepted and not self._is_handed_off:
            self._carried().end()
        scope["extensions"].clear()  # this protocol is in there, and would wait for the garbage collector

    async def _receive(self) -> Message:
        if not self._is_connect_told:
            self._is_connect_told = True
            return {"type": "websocket.connect"}
        if self._is_accepted:
            return await self._carried().receive()
        await self._gone.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def _send(self, message: Message) -> None:
        if self._is_accepted:
            await self._carried().send(message)
        elif self._is_lost:
            raise ClientDisconnected
        elif message["type"] == "websocket.accept":
            self._accept(message)
        elif message["type"] == "websocket.close":
            self._refuse(HTTPStatus.FORBIDDEN, [], b"")
        elif message["type"] == "websocket.http.response.start":
            self._response = (message["status"], list(message.get("headers", [])))
        elif message["type"] == "websocket.http.response.body":
            self._answer_with(message)

    def _accept(self, message: Message) -> None:
        assert self._opening is not None  # noqa: S101 - the application runs because of it
        headers = [*self._server_state.default_headers, *message.get("headers", [])]
        self._answer = self._opening.accept(message.get("subprotocol"), headers)
        self._is_answered = self._is_accepted = True
        # An application that hands off does so now, and may have something to go out together with it.
        asyncio.get_running_loop().call_soon(self._write_answer, context=Context())

    def _write_answer(self, first: bytes = b"") -> None:
        if self._answer and not self._is_lost:
            self._transport.write(self._answer + first)
        self._answer = b""

    def _answer_with(self, message: Message) -> None:
        self._body += message.get("body", b"")
        if self._response is not None and not message.get("more_body", False):
            status, headers = self._response
            self._refuse(status, headers, self._body)

    def _refuse(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._is_answered = True
        self._transport.write(refusal(status, [*self._server_state.default_headers, *headers], body))
        self._transport.close()

    # The hand-over

    def _carried(self) -> AsgiSocket:
        """The socket of an application that goes on by ASGI."""
        if self._socket is None:
            self._socket = AsgiSocket()
            limits = SocketLimits(self._config.ws_max_size)
            self._socket.begin(self._hand_over(self._socket, limits))
        return self._socket

    def _give_away(self, receiver: Receiver, limits: SocketLimits, first: bytes) -> SlimSocket:
        """The application takes the socket."""
        self._is_handed_off = True
        return self._hand_over(receiver, limits, first)

    def _hand_over(self, receiver: Receiver, limits: SocketLimits, first: bytes = b"") -> SlimSocket:
        slim = SlimSocket(self._transport, MessageParser(limits.max_message), receiver, limits)
        if self._is_lost:
            slim.begin_lost()
            return slim
        kernel = self._transport.get_extra_info("socket")
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.send_buffer)
        self._write_answer(first)
        self._connections.discard(self)
        slim.begin(self._connections, is_paused=self._is_paused)
        if self._early:
            slim.data_received(self._early)
        return slim
