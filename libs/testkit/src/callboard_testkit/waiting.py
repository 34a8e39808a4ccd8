"""Waiting on a condition, never on a clock."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.01


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, patience: float = PATIENCE_SECONDS) -> None:
    """Return when something listens on the port; raises TimeoutError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on port {port}") from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return


async def eventually(condition: Callable[[], Awaitable[bool] | bool], patience: float = PATIENCE_SECONDS) -> None:
    """Return when the condition holds; raises TimeoutError."""
    async with asyncio.timeout(patience):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(_PAUSE_SECONDS)
