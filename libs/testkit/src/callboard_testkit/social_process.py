"""A social as a process of its own, as it runs in production."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from callboard_testkit.waiting import PATIENCE_SECONDS, free_port

_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class SocialProcess:
    url: str
    internal_url: str
    pid: int

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def socket_url(self) -> str:
        return self.url.replace("http://", "ws://") + "/api/socials/ws"


@contextmanager
def social_process(
    output: Path, *, redis_url: str, jwks_url: str, database_url: str, settings: Mapping[str, str] | None = None
) -> Iterator[SocialProcess]:
    """Start ``serve`` on a migrated database; what it writes goes into `output`. It is ready when the block begins.

    `settings` are variables beside the defaults. A Redis of the test's own must have auth's word on revocations.
    """
    port, internal_port = free_port(), free_port()
    environment = os.environ | {
        "SOCIAL_PORT": str(port),
        "SOCIAL_INTERNAL_PORT": str(internal_port),
        "SOCIAL_TICKET_SECRET": "a-ticket-secret-of-the-tests-0123456789",
        "SOCIAL_DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CALLBOARD_JWKS_URL": jwks_url,
        "CALLBOARD_DRAIN_WINDOW": "1s",
    }
    command = (sys.executable, "-m", "callboard_social", "serve")
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=environment | dict(settings or {}), stdout=file, stderr=file)
    social = SocialProcess(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal_port}", process.pid)
    try:
        _wait_until_ready(social, process)
        yield social
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def _wait_until_ready(social: SocialProcess, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while not _is_ready(social):
        if process.poll() is not None:
            raise RuntimeError(f"social ended with {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise TimeoutError("social did not become ready")
        time.sleep(_PAUSE_SECONDS)


def _is_ready(social: SocialProcess) -> bool:
    try:
        return httpx.get(f"{social.internal_url}/readyz", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
