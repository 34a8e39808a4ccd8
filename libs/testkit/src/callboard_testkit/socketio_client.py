"""Clients of Socket.IO as their users have them, under one interface, and what they have been told, one by one."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE_SECONDS = 15.0

Json = dict[str, Any]
Connect = Callable[..., Awaitable["SocketIoClient"]]
"""``connect(namespace, *, path, query, auth, headers)``, all but the first by name and each with a default."""


class Inbox:
    """What a client has told, in order; each line is read once."""

    def __init__(self) -> None:
        self.lines: list[Json] = []
        self._unread: list[Json] = []
        self._news = asyncio.Event()

    def put(self, line: Json) -> None:
        self.lines.append(line)
        self._unread.append(line)
        self._news.set()

    async def take(self, **wanted: Any) -> Json:
        """The first unread line with these values, once it is there; raises TimeoutError that shows the others."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (found := self._first(wanted)) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"{wanted} did not come, but {self._unread}") from None
        self._unread.remove(found)
        return found

    def _first(self, wanted: Json) -> Json | None:
        return next((line for line in self._unread if line.items() >= wanted.items()), None)


class SocketIoClient(ABC):
    """One socket: one namespace of one connection."""

    def __init__(self) -> None:
        self.inbox = Inbox()

    async def connected(self) -> Json:
        """The next connect."""
        return await self.inbox.take(what="connect")

    async def refused(self) -> Json:
        """The next connect error: ``message``, and the ``data`` that came with it."""
        return await self.inbox.take(what="connect_error")

    async def disconnected(self) -> Json:
        """The next disconnect; ``active`` is whether the client comes back by itself."""
        return await self.inbox.take(what="disconnect")

    async def event(self, name: str) -> Any:
        """The one argument of the next event of this name."""
        (argument,) = (await self.inbox.take(what="event", event=name))["args"]
        return argument

    def heard(self, name: str) -> list[Any]:
        """The first argument of each event of this name so far, read or not."""
        return [line["args"][0] for line in self.inbox.lines if line["what"] == "event" and line["event"] == name]

    @abstractmethod
    async def emit(self, event: str, *arguments: Any) -> None:
        """Send an event and ask for no acknowledgement."""

    @abstractmethod
    async def ask(self, event: str, *arguments: Any) -> Any:
        """Send an event; the one argument of its acknowledgement."""

    @abstractmethod
    async def disconnect(self) -> None:
        """End it as its user would."""
