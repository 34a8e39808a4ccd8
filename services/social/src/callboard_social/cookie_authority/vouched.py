"""A socket whose identity is another system's word lives for as long as that is repeated."""

import asyncio
import random
import time
from collections.abc import Callable
from contextvars import Context

import structlog
from callboard_contracts.identity import Identity
from callboard_servicekit.errors import NotAuthenticated

from callboard_social.cookie_authority.authority import CookieAuthority, CookieAuthorityUnavailable
from callboard_social.cookie_authority.foreign_cookie import ForeignCookie

log = structlog.get_logger(__name__)

EARLIEST_SHARE = 0.9
"""Sockets that came together are asked about at different moments, within the last tenth of the time."""


class Vouched:
    """An identity that counts for as long as another system, asked now and then, says the same."""

    def __init__(self, authority: CookieAuthority, identity: Identity, cookie: ForeignCookie) -> None:
        self._authority = authority
        self._identity = identity
        self._cookie = cookie

    def watch(self, end: Callable[[], object]) -> asyncio.Task[None]:
        """Have `end` called once the other system says no, or is silent for too long; for the caller to cancel."""
        # In a context of its own: that of the handshake holds its request.
        task = asyncio.get_running_loop().create_task(self._until_refused(), context=Context())
        task.add_done_callback(lambda task: None if task.cancelled() else _ended(task, end))
        return task

    async def _until_refused(self) -> None:
        rhythm = self._authority.rhythm
        while True:
            share = random.uniform(EARLIEST_SHARE, 1.0)  # noqa: S311 - spreads load
            await asyncio.sleep(rhythm.word_counts.total_seconds() * share)
            if not await self._is_renewed():
                return

    async def _is_renewed(self) -> bool:
        rhythm = self._authority.rhythm
        gives_up_at = time.monotonic() + rhythm.patience.total_seconds()
        while True:
            try:
                await self._authority.renewed(self._identity, self._cookie)
            except NotAuthenticated:
                return False
            except CookieAuthorityUnavailable:
                if time.monotonic() + rhythm.ask_again_after.total_seconds() > gives_up_at:
                    return False
            else:
                return True
            await asyncio.sleep(rhythm.ask_again_after.total_seconds())


def _ended(task: asyncio.Task[None], end: Callable[[], object]) -> None:
    error = task.exception()
    if error is not None:
        log.error("cookie_authority_watch_failed", error=type(error).__name__)
    end()
