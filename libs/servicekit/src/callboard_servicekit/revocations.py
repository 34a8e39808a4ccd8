"""Follows ``cb:revocations``: sessions that ended and tokens that were revoked, within a moment of auth's word.

The set is complete once auth has said, in this incarnation of Redis, that everything that may still matter has been
appended. Until then nobody is let in on the strength of an empty set.
"""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from callboard_contracts.identity import Identity
from callboard_contracts.keys import REVOCATIONS
from callboard_contracts.revocations import Revocation, RevocationKind
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from callboard_servicekit.errors import Unavailable
from callboard_servicekit.redis_connection import run_id

log = structlog.get_logger(__name__)

BLOCK_MILLISECONDS = 2_000
PAGE = 1_000
RECONNECT_SECONDS = 0.5
CLOCK_SKEW = timedelta(minutes=1)
DEAF_AFTER_SECONDS = 5.0
"""Redis answers every two seconds at least; after this silence the set may lack something."""

Listener = Callable[[Revocation], None]


def concerns(revocation: Revocation, identity: Identity) -> bool:
    """True when the revocation ends what this identity was let in with."""
    if revocation.kind is RevocationKind.USER:
        return identity.user_id == revocation.id and identity.issued_at <= revocation.at
    return revocation.kind is RevocationKind.SID and identity.session_id == revocation.id


class Revocations:
    """The set in memory. An entry is kept for the life of a token issued just before it, and a little longer."""

    def __init__(
        self,
        redis: Redis,
        *,
        token_life: timedelta,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._keep_seconds = (token_life + CLOCK_SKEW).total_seconds()
        self._clock = clock
        self._stopwatch = stopwatch
        self._heard_at = -math.inf
        self._entries: dict[tuple[RevocationKind, str], Revocation] = {}
        self._listeners: list[Listener] = []
        self._last_id = "0"
        self._run_id = ""
        self._complete_for = ""
        self._is_caught_up = False

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every revocation from now on; it must not block."""
        self._listeners.append(listener)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_complete(self) -> bool:
        is_deaf = self._stopwatch() - self._heard_at > DEAF_AFTER_SECONDS
        is_republished = bool(self._run_id) and self._complete_for == self._run_id
        return is_republished and self._is_caught_up and not is_deaf

    async def check(self) -> None:
        """Raises `Unavailable` while the set may lack something; a readiness check."""
        if not self.is_complete:
            raise Unavailable("Revocations are not known yet.")

    async def is_revoked(self, identity: Identity) -> bool:
        """True when the identity's session has ended or its tokens were revoked; raises `Unavailable`."""
        await self.check()
        candidates = (
            self._entries.get((RevocationKind.SID, identity.session_id or "")),
            self._entries.get((RevocationKind.USER, identity.user_id)),
        )
        return any(entry is not None and concerns(entry, identity) for entry in candidates)

    async def run(self) -> None:
        """Follow for ever. A broken connection leaves the set as it is; after five seconds it counts as incomplete."""
        while True:
            try:
                await self._follow()
            except (RedisError, OSError) as error:
                log.warning("revocation_stream_lost", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _follow(self) -> None:
        # One connection for the whole of it: what it reads and the run id belong to one incarnation.
        async with self._redis.client() as connection:
            self._meet(await run_id(connection))
            while True:
                answer = await connection.xread({REVOCATIONS: self._last_id}, block=BLOCK_MILLISECONDS, count=PAGE)
                self._heard_at = self._stopwatch()
                entries = _entries_of(answer)
                # After a full page there may be more: a marker in it does not vouch for what has not been read.
                self._is_caught_up = len(entries) < PAGE
                for entry_id, fields in entries:
                    self._last_id = entry_id
                    self._take(fields)
                self._forget_old()

    def _meet(self, incarnation: str) -> None:
        if incarnation != self._run_id:
            # Ids are times, and another Redis may have another clock: what came before says nothing about its ids.
            self._last_id = "0"
        self._run_id = incarnation

    def _take(self, fields: dict[str, str]) -> None:
        try:
            revocation = Revocation.model_validate(fields)
        except ValidationError:
            log.exception("revocation_unreadable")
            return
        if revocation.kind is RevocationKind.REPUBLISHED:
            self._complete_for = revocation.id
            return
        key = (revocation.kind, revocation.id)
        known = self._entries.get(key)
        if known is None or known.at < revocation.at:
            self._entries[key] = revocation
        for listener in self._listeners:
            listener(revocation)

    def _forget_old(self) -> None:
        horizon = self._clock() - self._keep_seconds
        for key in [key for key, entry in self._entries.items() if entry.at < horizon]:
            del self._entries[key]


def _entries_of(answer: Any) -> list[tuple[str, dict[str, str]]]:
    """The entries in an answer of XREAD on one stream, as text; RESP2 gives a list, RESP3 a map."""
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or []]
    found = []
    for entries in streams:
        batch = entries[0] if isinstance(answer, dict) else entries
        found += [
            (entry_id.decode(), {_text(name): _text(value) for name, value in fields.items()})
            for entry_id, fields in batch
        ]
    return found


def _text(raw: bytes) -> str:
    """What is not UTF-8 becomes an unreadable entry, not the end of this process."""
    return raw.decode(errors="replace")
