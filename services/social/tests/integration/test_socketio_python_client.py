"""python-socketio's own client, on both of its ways to connect."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
from callboard_testkit.waiting import eventually

from .socketio_service import SocketIoService, socketio_service

NAMESPACES = ["/", "/custom"]
TRANSPORTS = pytest.mark.parametrize("transports", [None, ["websocket"], ["polling"]])


class Heard:
    """A client, and what it was told: namespace, event and arguments."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection_delay=0.01, reconnection_delay_max=0.01)
        self.events: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        for namespace in NAMESPACES:
            self.client.on("*", self._listener(namespace), namespace=namespace)
            self.client.on("question", self._answer, namespace=namespace)
            for event in ("connect", "disconnect", "connect_error"):
                self.client.on(event, self._listener(namespace, event), namespace=namespace)

    def _listener(self, namespace: str, *event: str) -> Any:
        async def listen(*arguments: Any) -> None:
            self.events.put_nowait((namespace, *event, *arguments))

        return listen

    async def _answer(self, *arguments: Any) -> Any:
        return (*arguments, b"answer")

    async def next(self) -> tuple[Any, ...]:
        async with asyncio.timeout(10):
            return await self.events.get()

    async def until(self, *event: Any) -> None:
        """Wait for this one; what comes before it is dropped."""
        while await self.next() != event:
            pass


@pytest.fixture
async def service() -> AsyncIterator[SocketIoService]:
    async with socketio_service() as service:
        yield service


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    heard = Heard()
    yield heard
    await heard.client.shutdown()
    gc.collect()  # what the client leaves behind is told of in the test that it belongs to


@TRANSPORTS
async def test_it_talks_in_two_namespaces_both_ways(
    service: SocketIoService, heard: Heard, transports: list[str] | None
) -> None:
    client = heard.client
    await client.connect(service.url, auth={"token": "x"}, transports=transports, namespaces=NAMESPACES)
    await heard.until("/custom", "auth", {"token": "x"})
    assert client.get_sid("/") != client.get_sid("/custom")
    await client.emit("message", ({"é": [1, b"bytes"]}, b"more"), namespace="/custom")
    await heard.until("/custom", "message-back", {"é": [1, b"bytes"]}, b"more")
    assert await client.call("message-with-ack", (1, b"2")) == (1, b"2")
    await client.emit("ask", "why")
    await heard.until("/", "answered", "why", b"answer")
    await client.disconnect()
    await eventually(lambda: sorted(service.ends) == [("/", True), ("/custom", True)])


@TRANSPORTS
async def test_a_refusal_reaches_it_with_its_data(
    service: SocketIoService, heard: Heard, transports: list[str] | None
) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        await heard.client.connect(service.url, transports=transports, namespaces=["/refusing"])
    assert not heard.client.connected


@TRANSPORTS
async def test_a_disconnect_is_for_good(service: SocketIoService, heard: Heard, transports: list[str] | None) -> None:
    await heard.client.connect(service.url, transports=transports, namespaces=["/"])
    await heard.client.emit("close", "4501")
    await heard.until("/", "waiting")
    await heard.until("/", "disconnect", heard.client.reason.SERVER_DISCONNECT)
    await eventually(lambda: not heard.client.connected)
    assert service.ends == [("/", True)]


# On polling it may forget an HTTP session that it opened while it was closing the one before.
@pytest.mark.filterwarnings("ignore:Unclosed (client session|connector) <aiohttp:ResourceWarning")
@TRANSPORTS
async def test_it_comes_back_by_itself_when_the_transport_was_closed(
    service: SocketIoService, heard: Heard, transports: list[str] | None
) -> None:
    await heard.client.connect(service.url, transports=transports, namespaces=["/"])
    await heard.until("/", "connect")
    await heard.client.emit("close", "4003")
    await heard.until("/", "connect")
    assert await heard.client.call("message-with-ack", "back") == "back"
    assert service.ends == [("/", False)]
