"""The usual tutorial: a set of sockets per organisation, and `send_text` to each for whatever Redis publishes."""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

CHANNEL = "org:"


class Members:
    """Who hears which organisation."""

    def __init__(self) -> None:
        self._sockets: defaultdict[str, set[WebSocket]] = defaultdict(set)

    async def hear(self, socket: WebSocket) -> None:
        here = self._sockets[socket.query_params["org"]]
        await socket.accept()
        here.add(socket)
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            pass
        finally:
            here.discard(socket)

    async def broadcast(self, organisation: str, text: str) -> None:
        for socket in list(self._sockets[organisation]):
            try:
                await socket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):  # it closed while others were written to
                self._sockets[organisation].discard(socket)


async def relay(redis: Redis, members: Members, *, ready: asyncio.Event) -> None:
    async with redis.pubsub() as subscription:
        await subscription.psubscribe(f"{CHANNEL}*")
        async for message in subscription.listen():
            if message["type"] == "psubscribe":
                ready.set()
            else:
                await members.broadcast(message["channel"].removeprefix(CHANNEL), message["data"])


def create_app() -> Starlette:
    members = Members()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ready = asyncio.Event()
        async with Redis(port=int(os.environ["REDIS_PORT"]), decode_responses=True) as redis:
            relaying = asyncio.create_task(relay(redis, members, ready=ready))
            await ready.wait()
            yield
            relaying.cancel()

    return Starlette(routes=[WebSocketRoute("/ws", members.hear)], lifespan=lifespan)
