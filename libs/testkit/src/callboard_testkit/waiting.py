"""Waiting on a condition, never on a clock."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

PATIENCE_SECONDS = 30.0
"""Long enough for a machine with ten times as much to do as it can: only what fails takes it."""
_PAUSE_SECONDS = 0.01


# Below the ports that Linux gives to outgoing connections and to whoever binds port 0.
_PORTS = range(15_000, 31_000)
_BLOCK = 100


def _ports_of_this_process() -> Iterator[int]:
    """Ports that no other process of a test run hands out: blocks of them, each held on its first one until the end."""
    for first in _PORTS[::_BLOCK]:
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", first))
        except OSError:
            holder.close()
            continue
        holder.detach()
        yield from range(first + 1, first + _BLOCK)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


_ports = _ports_of_this_process()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now, and that is given to nobody else."""
    return next(port for port in _ports if _is_free(port))


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
