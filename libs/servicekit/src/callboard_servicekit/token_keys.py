"""Where the keys come from that verify primary tokens: auth's JWKS, or one shared secret."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import httpx
import structlog
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError
from pydantic import SecretStr

from callboard_servicekit.errors import Unavailable

log = structlog.get_logger(__name__)

EDDSA = "EdDSA"
HS256 = "HS256"
REFRESH_SECONDS = 300.0
UNKNOWN_KID_REFRESH_SECONDS = 30.0
FIRST_FETCH_RETRY_SECONDS = 1.0
FETCH_TIMEOUT_SECONDS = 5.0
UNREADABLE = (ValueError, RecursionError, PyJWTError)
"""What `read_key_set` raises."""


class VerificationKeys(Protocol):
    """The algorithm comes from here, never from a token's header."""

    @property
    def algorithm(self) -> str: ...

    async def find(self, kid: str | None) -> PyJWK | bytes | None:
        """The key of this id, or None; raises `Unavailable` when no keys could be had yet."""
        ...


class SharedSecret:
    """HS256 under `JWT_SECRET`, for suites that must share tokens with another system."""

    algorithm = HS256

    def __init__(self, secret: SecretStr) -> None:
        self._key = secret.get_secret_value().encode()

    async def find(self, kid: str | None) -> PyJWK | bytes | None:  # noqa: ARG002 - one key, whatever the id
        return self._key


def read_key_set(text: str) -> dict[str, PyJWK]:
    """The keys in a published set that verify primary tokens, by their ids; raises `UNREADABLE` when there is none."""
    published = json.loads(text)
    entries = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("not a key set")
    keys = PyJWKSet.from_dict(published).keys
    usable = {key.key_id: key for key in keys if key.key_id and key.algorithm_name == EDDSA}
    if not usable:
        raise ValueError("no key in it is one of ours")
    return usable


class Jwks:
    """Auth's published keys, refreshed in the background; the last good set is kept, on disk too.

    An unknown key id asks auth again, but at most every 30 s: forged ids must not become load on auth.
    """

    algorithm = EDDSA

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        cache: Path | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._url = url
        self._cache = cache
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._asked_at = -UNKNOWN_KID_REFRESH_SECONDS
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None) -> PyJWK | bytes | None:
        if (kid or "") not in self._keys:
            await self._refresh_for_unknown_kid()
        if not self._keys:
            raise Unavailable("The keys that verify tokens are not known yet.")
        return self._keys.get(kid or "")

    async def check(self) -> None:
        """Raises `Unavailable` while no keys are known; a readiness check."""
        if not self._keys:
            raise Unavailable

    def load_cache(self) -> None:
        """Take the set that an earlier process kept; a missing or broken file is as good as none."""
        if self._cache is None or not self._cache.is_file():
            return
        try:
            self._take(self._cache.read_text())
        except (OSError, *UNREADABLE) as error:
            log.warning("jwks_cache_unreadable", error=type(error).__name__)

    async def run(self) -> None:
        """Refresh for ever: often until the first set is here, then every five minutes."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS if self._keys else FIRST_FETCH_RETRY_SECONDS)

    async def refresh(self) -> None:
        """Fetch once; a failure is logged and leaves the set as it is."""
        async with self._lock:
            self._asked_at = self._clock()
            try:
                answer = await self._client.get(self._url, timeout=FETCH_TIMEOUT_SECONDS)
                answer.raise_for_status()
                self._take(answer.text)
                self._keep(answer.text)
            except (httpx.HTTPError, OSError, *UNREADABLE) as error:
                log.warning("jwks_refresh_failed", error=type(error).__name__)

    async def _refresh_for_unknown_kid(self) -> None:
        if self._lock.locked():
            # Somebody is asking auth right now: what they learn is for this token too.
            async with self._lock:
                return
        pause = UNKNOWN_KID_REFRESH_SECONDS if self._keys else FIRST_FETCH_RETRY_SECONDS
        if self._clock() - self._asked_at >= pause:
            await self.refresh()

    def _take(self, text: str) -> None:
        self._keys = read_key_set(text)

    def _keep(self, text: str) -> None:
        if self._cache is None:
            return
        written = self._cache.with_suffix(f".{os.getpid()}")
        written.write_text(text)
        written.replace(self._cache)
