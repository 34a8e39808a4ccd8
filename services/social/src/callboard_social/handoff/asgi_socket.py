"""A socket of an application that goes on by ASGI after the handshake."""

import asyncio

from starlette.types import Message
from uvicorn.protocols.utils import ClientDisconnected

from callboard_social.handoff.frames import binary_frame, text_frame
from callboard_social.handoff.slim_socket import SlimSocket

NORMAL_CLOSURE = 1000
BACK_PRESSURE = 1008


class AsgiSocket:
    """Receives from a `SlimSocket` what the application asks for, one message at a time."""

    def __init__(self) -> None:
        self._slim: SlimSocket | None = None
        self._messages: asyncio.Queue[Message] = asyncio.Queue()

    def begin(self, slim: SlimSocket) -> None:
        self._slim = slim

    def end(self) -> None:
        """The application has returned."""
        if self._slim is not None:
            self._slim.close(NORMAL_CLOSURE)

    async def receive(self) -> Message:
        if self._messages.empty() and self._slim is not None:
            self._slim.resume_reading()
        return await self._messages.get()

    async def send(self, message: Message) -> None:
        if self._slim is None:
            raise ClientDisconnected
        if message["type"] == "websocket.close":
            self._slim.close(message.get("code", NORMAL_CLOSURE), message.get("reason") or "")
            return
        text = message.get("text")
        wire = binary_frame(message["bytes"]) if text is None else text_frame(text)
        if not self._slim.write(wire):
            self._slim.forget()
            self._slim.close(BACK_PRESSURE)

    def received(self, message: str | bytes) -> None:
        name = "text" if isinstance(message, str) else "bytes"
        self._messages.put_nowait({"type": "websocket.receive", name: message})
        if self._slim is not None:
            self._slim.pause_reading()

    def silent(self) -> None:
        """Not pinged."""

    def lost(self, code: int, *, is_ours: bool) -> None:  # noqa: ARG002 - ASGI does not ask
        self._slim = None
        self._messages.put_nowait({"type": "websocket.disconnect", "code": code})
