"""What a ticket costs over HTTP: many users' calls of ``connect-token``, on connections that stay open."""

import asyncio
import time

from benchmarks.figures import Figures
from benchmarks.machine import on, places
from benchmarks.ruler import cpu_by_role, used_since, wait_until_idle
from benchmarks.servers.callboard import Callboard

CONNECTIONS = 64
CALL = (
    "POST /api/socials/connect-token HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Authorization: Bearer {}\r\nContent-Length: 0\r\n\r\n"
)


class MintingRefused(OSError):
    """An answer was not 200."""


def mint_over_http(server: Callboard, count: int) -> Figures:
    """Tickets for users who each come back with the same primary token, as reconnecting browsers do."""
    calls = [CALL.format(token).encode() for token in server.primary_tokens(CONNECTIONS)]
    processes = server.processes()
    wait_until_idle(processes)
    before = cpu_by_role(processes)
    began = time.monotonic()
    with on(places().rest):
        asyncio.run(_mint(server.port, calls, count // CONNECTIONS + 1))
    seconds = time.monotonic() - began
    minted = (count // CONNECTIONS + 1) * len(calls)
    used = used_since(before, processes)
    figures = {f"{role}_us_per_handshake": spent * 1e6 / minted for role, spent in used.items()}
    return figures | {"handshakes_per_second": minted / seconds}


async def _mint(port: int, calls: list[bytes], each: int) -> None:
    async with asyncio.TaskGroup() as clients:
        for call in calls:
            clients.create_task(_client(port, call, each))


async def _client(port: int, call: bytes, times: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in range(times):
            writer.write(call)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise MintingRefused(head.splitlines()[0].decode())
            await reader.readexactly(_content_length(head))
    finally:
        writer.close()


def _content_length(head: bytes) -> int:
    lengths = [line.split(b":")[1] for line in head.lower().splitlines() if line.startswith(b"content-length:")]
    return int(lengths[0])
