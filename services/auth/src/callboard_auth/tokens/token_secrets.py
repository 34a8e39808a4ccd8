"""Is this the secret of that API token? Whoever knows an id alone must not buy hash after hash with it."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from weakref import WeakValueDictionary

from cachetools import LRUCache, TTLCache
from callboard_servicekit.errors import TooManyRequests

from callboard_auth.passwords import PasswordPool
from callboard_auth.tokens.repository import StoredApiToken

WRONG_PER_MINUTE = 10
WINDOW_SECONDS = 60
TRACKED_TOKENS = 100_000
"""Bound of the tokens whose wrong secrets are counted; beyond it the oldest minute is forgotten."""
REMEMBERED_SECRETS = 10_000
"""Bound of the right secrets that are known again without a hash."""


class ApiTokenSecrets:
    """Hashes and checks secrets; the counts and the memory are this replica's own.

    After ten wrong secrets for one token within a minute, no hash is computed for that token until the minute is over.
    A secret that was found right before passes all the same: its SHA-256 is kept, in memory only. That is safe for 32
    random bytes, and would not be for a password.
    """

    def __init__(self, pool: PasswordPool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._right: LRUCache[str, bytes] = LRUCache(REMEMBERED_SECRETS)
        self._wrong: TTLCache[str, list[float]] = TTLCache(TRACKED_TOKENS, WINDOW_SECONDS, timer=clock)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def hash(self, secret: str) -> str:
        return await self._pool.hash(secret)

    async def is_right(self, stored: StoredApiToken, secret: str) -> bool:
        """Check a secret.

        Raises:
            TooManyRequests: the minute has had enough wrong ones for this token, and this one is not known.
            Overloaded: too many hashes wait already.
        """
        digest = hashlib.sha256(secret.encode()).digest()
        if self._is_known(stored, digest):
            return True
        turn = self._turns.setdefault(stored.id, asyncio.Lock())
        # One hash at a time for each token: what comes at once is counted too, and cannot take every thread.
        async with turn:
            return self._is_known(stored, digest) or await self._is_right_by_hash(stored, secret, digest)

    def _is_known(self, stored: StoredApiToken, digest: bytes) -> bool:
        # By its hash, not its id: whoever replaces the hash in the database ends the old secret.
        return hmac.compare_digest(self._right.get(stored.secret_hash, b""), digest)

    async def _is_right_by_hash(self, stored: StoredApiToken, secret: str, digest: bytes) -> bool:
        self._require_few_wrong(stored.id)
        verdict = await self._pool.verify(stored.secret_hash, secret)
        if verdict.is_right:
            self._right[stored.secret_hash] = digest
        else:
            self._count_wrong(stored.id)
        return verdict.is_right

    def _require_few_wrong(self, token_id: str) -> None:
        wrong = self._wrong.get(token_id, [])
        if len(wrong) >= WRONG_PER_MINUTE:
            raise TooManyRequests(int(wrong[0] + WINDOW_SECONDS - self._clock()) + 1)

    def _count_wrong(self, token_id: str) -> None:
        if token_id not in self._wrong:
            self._wrong[token_id] = []
        self._wrong[token_id].append(self._clock())
