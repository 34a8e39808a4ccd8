"""A producer as a process of its own, as it runs in production."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from callboard_producer.settings import ProducerSettings
from callboard_testkit.waiting import eventually, free_port


@dataclass(frozen=True)
class ProducerProcess:
    url: str
    internal_url: str
    process: Process


@asynccontextmanager
async def producer_process(
    settings: ProducerSettings, output: Path, redis_url: str | None = None
) -> AsyncIterator[ProducerProcess]:
    """Start ``serve``; what it writes goes into `output`. It is ready when the block begins."""
    port, internal_port = free_port(), free_port()
    environment = os.environ | {
        "PRODUCER_DATABASE_URL": settings.database_url,
        "PRODUCER_PORT": str(port),
        "PRODUCER_INTERNAL_PORT": str(internal_port),
        "REDIS_URL": redis_url or settings.redis_url,
        "CALLBOARD_JWKS_URL": settings.jwks_url,
        "LOG_LEVEL": settings.log_level,
    }
    command = (sys.executable, "-m", "callboard_producer", "serve")
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=file, stderr=file)
    producer = ProducerProcess(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal_port}", process)
    try:
        await eventually(lambda: _is_ready(producer))
        yield producer
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _is_ready(producer: ProducerProcess) -> bool:
    if producer.process.returncode is not None:
        raise RuntimeError("the producer ended before it was ready")
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"{producer.internal_url}/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
