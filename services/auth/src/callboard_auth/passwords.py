"""Argon2id, in a bounded pool of threads: a hash costs tens of milliseconds and megabytes, on purpose."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callboard_auth.errors import Overloaded
from callboard_auth.metrics import HashingMetrics
from callboard_auth.settings import AuthSettings

RETRY_AFTER_SECONDS = 1
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Verdict:
    """``needs_rehash``: the secret is right, and its hash was made with parameters that are no longer ours."""

    is_right: bool
    needs_rehash: bool


class PasswordPool:
    """Hashes and verifies secrets away from the event loop.

    At most `workers` run and `waiters` wait; beyond that every call raises `Overloaded` at once, so that a flood of
    logins takes neither the memory nor the time of everybody else.
    """

    def __init__(self, settings: AuthSettings, metrics: HashingMetrics) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=1,
        )
        self._executor = ThreadPoolExecutor(settings.password_workers, thread_name_prefix="argon2")
        self._places = threading.Semaphore(settings.password_workers + settings.password_waiters)
        self._metrics = metrics
        self._decoy = ""

    async def open(self) -> None:
        """Make the hash that stands in for one that does not exist."""
        self._decoy = await self.hash("decoy")

    async def hash(self, secret: str) -> str:
        return await self._run(lambda: self._hasher.hash(secret))

    async def verify(self, secret_hash: str | None, secret: str) -> Verdict:
        """Check a secret; None stands for a subject that does not exist and takes the same time."""
        verdict = await self._run(lambda: self._verify(secret_hash or self._decoy, secret))
        return verdict if secret_hash is not None else Verdict(is_right=False, needs_rehash=False)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _verify(self, secret_hash: str, secret: str) -> Verdict:
        try:
            self._hasher.verify(secret_hash, secret)
        except (VerificationError, InvalidHashError):
            return Verdict(is_right=False, needs_rehash=False)
        return Verdict(is_right=True, needs_rehash=self._hasher.check_needs_rehash(secret_hash))

    async def _run(self, work: Callable[[], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise Overloaded(retry_after_seconds=RETRY_AFTER_SECONDS)
        started = time.perf_counter()
        self._metrics.begun()

        def release(_future: Future[Result]) -> None:
            self._metrics.done(time.perf_counter() - started)
            self._places.release()

        future = self._executor.submit(work)
        # Not in a finally: a caller that goes away leaves its thread busy until the hash is done.
        future.add_done_callback(release)
        return await asyncio.wrap_future(future)
