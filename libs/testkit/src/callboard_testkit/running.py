"""Runs an ASGI application on a real port, inside the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from callboard_contracts.keys import REVOCATIONS
from redis.asyncio import Redis

from callboard_testkit.waiting import eventually


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to pytest."""
        yield


@asynccontextmanager
async def running(app: Any, **options: Any) -> AsyncIterator[str]:
    """Serve the application; gives ``http://127.0.0.1:<port>``, and stops it at the end of the block."""
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=1, **options)
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: server.started or task.done())
        if task.done():
            task.result()
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def publish_revocation(redis: Redis, *, kind: str, id: str, org: str = "org-1", at: int = 0) -> None:  # noqa: A002
    """Append to the revocation stream as auth does."""
    await redis.xadd(REVOCATIONS, {"kind": kind, "id": id, "org": org, "at": str(at)})


async def declare_revocations_complete(redis: Redis) -> None:
    """Append auth's word that nothing is missing from the revocation stream of this Redis."""
    info = await redis.info("server")
    await publish_revocation(redis, kind="republished", id=str(info["run_id"]))
