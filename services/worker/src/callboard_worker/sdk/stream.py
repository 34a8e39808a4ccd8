"""Events, live: one socket after another, as one iterator."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Self

from callboard_contracts.close_codes import Return, what_next
from callboard_contracts.events import Event
from callboard_contracts.native import (
    SUBPROTOCOL,
    TICKET_SUBPROTOCOL_PREFIX,
    Bus,
    Connected,
    Draining,
    Error,
    Reset,
    Subscribed,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from callboard_worker.sdk.conversation import Conversation, TryAgain
from callboard_worker.sdk.errors import SocketClosedForGood
from callboard_worker.sdk.frames import MalformedFrame, parse_frame
from callboard_worker.sdk.gateway import refusal
from callboard_worker.sdk.retry import (
    MAX_RETRY_AFTER_SECONDS,
    TEMPORARY_STATUSES,
    RetryPolicy,
    Timing,
    retry_after_seconds,
)
from callboard_worker.sdk.seen import SeenPositions

SOCKET_PATH = "/social/api/socials/ws"
TOLD_DELAY_SECONDS = 5.0
"""After 1001 and 4429, when no `Draining` told which."""
STABLE_AFTER_SECONDS = 10.0
"""A connection that lived as long ends a row of failures; one that is closed at once does not."""
FIRST_FRAME_SECONDS = 10.0
MAX_FRAME_BYTES = 32 * 1024 * 1024
"""A chunk of a thousand lines of 16 KiB, with room for JSON's escapes."""
_ABNORMAL_CLOSE = 1006


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The socket is gone, or could not be opened; the next attempt follows in ``retry_in_seconds``."""

    reason: str
    retry_in_seconds: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """Connected again, in all channels. In those of ``missed`` something happened meanwhile that was not seen."""

    missed: tuple[str, ...]


StreamItem = Event | Connected | Subscribed | Reset | Bus | ConnectionLost | Resumed


class _Connect(connect):
    """Follows no redirect: the sub-protocol carries the connect token, which is for the gateway alone."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


@dataclass(slots=True)
class _Attempts:
    """How long to wait before the next socket."""

    timing: Timing
    policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(base=timedelta(seconds=1)))
    failures: int = 0

    def delay_seconds(self, lived_seconds: float, at_least: float = 0.0) -> float:
        self.failures = 1 if lived_seconds >= STABLE_AFTER_SECONDS else self.failures + 1
        return at_least + self.policy.jitter_seconds(self.failures, self.timing)


class EventStream:
    """Async iterator of events and of what becomes of the connection. One consumer.

    Each event comes at most once, in its channel's order. While the connection is lost, events may be missed:
    `Resumed` says in which channels, and what the log has missed is read by line number over HTTP. The iterator
    ends by an error alone: SocketClosedForGood, SubscriptionRefused, Refused.
    """

    def __init__(
        self,
        url: str,
        channels: Iterable[str],
        connect_token: Callable[[], Awaitable[str]],
        discard_identity: Callable[[], None],
        timing: Timing,
    ) -> None:
        self._uri = "ws" + url.removeprefix("http") + SOCKET_PATH
        self._channels = dict.fromkeys(channels)
        self._connect_token = connect_token
        self._discard_identity = discard_identity
        self._timing = timing
        self._seen = SeenPositions()
        self._attempts = _Attempts(timing)
        self._told_seconds = TOLD_DELAY_SECONDS
        self._items = self._follow()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamItem:
        return await anext(self._items)

    async def aclose(self) -> None:
        """Close the socket; the iterator has ended."""
        await self._items.aclose()

    async def _follow(self) -> AsyncGenerator[StreamItem, None]:
        was_connected = False
        while True:
            token = await self._connect_token()
            began = self._timing.monotonic()
            try:
                async with (
                    self._socket(token) as socket,
                    aclosing(self._converse(socket, is_return=was_connected)) as items,
                ):
                    async for item in items:
                        was_connected = was_connected or isinstance(item, Connected)
                        yield item
            except ConnectionClosed as closed:
                lost = self._after_close(closed, self._timing.monotonic() - began)
            except InvalidStatus as refused:
                lost = self._after_refusal(refused)
            except (OSError, InvalidHandshake, MalformedFrame, TryAgain) as error:
                lost = self._lost(str(error) or type(error).__name__)
            else:
                lost = self._lost("connection lost")
            yield lost
            await self._timing.sleep(lost.retry_in_seconds)

    def _socket(self, token: str) -> connect:
        # Their debug log shows headers, and with them the connect token: it gets a logger of its own that drops it.
        quiet = logging.getLogger("callboard_worker.socket")
        quiet.setLevel(logging.WARNING)
        return _Connect(
            self._uri,
            subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(TICKET_SUBPROTOCOL_PREFIX + token)],
            compression=None,
            max_size=MAX_FRAME_BYTES,
            close_timeout=2,
            logger=quiet,
        )

    async def _converse(self, socket: ClientConnection, *, is_return: bool) -> AsyncGenerator[StreamItem, None]:
        conversation = Conversation(self._seen, self._channels)
        self._told_seconds = TOLD_DELAY_SECONDS
        while True:
            # A server that never says `connected` would hold us for ever.
            async with asyncio.timeout(None if conversation.is_connected else FIRST_FRAME_SECONDS):
                frame = parse_frame(await socket.recv())
            for request in conversation.requests(frame):
                await socket.send(request.model_dump_json(by_alias=True, exclude_none=True))
            if isinstance(frame, Error):
                conversation.refuse(frame)
            elif isinstance(frame, Draining):
                self._told_seconds = min(frame.retry_after_ms / 1000, MAX_RETRY_AFTER_SECONDS)
            elif frame is not None and conversation.take(frame):
                yield frame
            if is_return and conversation.is_complete:
                is_return = False
                yield Resumed(tuple(conversation.missed))

    def _after_close(self, closed: ConnectionClosed, lived_seconds: float) -> ConnectionLost:
        code = closed.rcvd.code if closed.rcvd else _ABNORMAL_CLOSE
        reason = (closed.rcvd.reason if closed.rcvd else "") or "connection lost"
        then = what_next(code)
        if then is Return.NEVER:
            raise SocketClosedForGood(code, reason) from closed
        if then is Return.WITH_NEW_TOKEN:
            self._discard_identity()
        told = self._told_seconds if then is Return.AFTER_DELAY else 0.0
        return self._lost(f"{reason} ({code})", lived_seconds, told)

    def _after_refusal(self, refused: InvalidStatus) -> ConnectionLost:
        response = refused.response
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._discard_identity()
        elif response.status_code not in TEMPORARY_STATUSES and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise refusal(response.status_code, bytes(response.body)) from refused
        told = retry_after_seconds(response.headers.get("Retry-After"), self._timing.now())
        return self._lost(f"HTTP {response.status_code}", at_least=told)

    def _lost(self, reason: str, lived_seconds: float = 0.0, at_least: float = 0.0) -> ConnectionLost:
        return ConnectionLost(reason, self._attempts.delay_seconds(lived_seconds, at_least))
