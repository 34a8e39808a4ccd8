"""python-socketio's own client."""

import asyncio
from typing import Any

import socketio

from callboard_testkit.socketio_client import PATIENCE_SECONDS, SocketIoClient


class PythonClient(SocketIoClient):
    def __init__(self, namespace: str) -> None:
        super().__init__()
        self._namespace = namespace
        self._client = socketio.AsyncClient()
        for event, handler in {
            "connect": self._on_connect,
            "connect_error": self._on_connect_error,
            "disconnect": self._on_disconnect,
            "*": self._on_event,
        }.items():
            self._client.on(event, handler, namespace=namespace)

    async def open(self, url: str, **options: Any) -> None:
        """Connect; whether that succeeds is told in the inbox."""
        try:
            await self._client.connect(url, namespaces=[self._namespace], wait_timeout=PATIENCE_SECONDS, **options)
        except socketio.exceptions.ConnectionError:
            assert self.inbox.lines, "a refusal without a connect error"

    async def emit(self, event: str, *arguments: Any) -> None:
        await self._client.emit(event, arguments, namespace=self._namespace)

    async def ask(self, event: str, *arguments: Any) -> Any:
        return await self._client.call(event, arguments, namespace=self._namespace, timeout=int(PATIENCE_SECONDS))

    async def disconnect(self) -> None:
        await self._client.disconnect()

    async def end(self) -> None:
        """Leave nothing open, and stop coming back."""
        await self._client.shutdown()
        if self._client.eio.http is not None:
            await self._client.eio.http.close()

    async def _on_connect(self) -> None:
        self.inbox.put({"what": "connect", "id": self._client.get_sid(self._namespace)})

    async def _on_connect_error(self, error: Any = None) -> None:
        told = error if isinstance(error, dict) else {"message": str(error)}
        self.inbox.put({"what": "connect_error", "data": None} | told)

    async def _on_disconnect(self, reason: str) -> None:
        is_active = reason not in {self._client.reason.SERVER_DISCONNECT, self._client.reason.CLIENT_DISCONNECT}
        self.inbox.put({"what": "disconnect", "reason": reason, "active": is_active})

    async def _on_event(self, event: str, *arguments: Any) -> None:
        self.inbox.put({"what": "event", "event": event, "args": list(arguments)})


async def python_client(url: str, namespace: str, **options: Any) -> PythonClient:
    client = PythonClient(namespace)
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        await client.open(url, **options)
    return client
