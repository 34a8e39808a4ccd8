"""How long a socket lives: as long as its session, or until its identity expires."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from datetime import UTC, datetime

from callboard_contracts.identity import Identity

from callboard_social.settings import SocketLifetime

GRACE_SECONDS = 25.0
"""What an identity without a session has, after its token expired, to come back with a new one."""


class Lifetime:
    """A session is watched by its revocation; what has none, or what the settings say, ends at an hour."""

    def __init__(self, rule: SocketLifetime) -> None:
        self._rule = rule

    def has_deadline(self, identity: Identity) -> bool:
        return self._rule is SocketLifetime.TOKEN or identity.session_id is None

    def expiry(self, identity: Identity) -> datetime | None:
        """When the socket's identity expires; None for a socket that lives as long as its session."""
        return datetime.fromtimestamp(identity.expires_at, UTC) if self.has_deadline(identity) else None

    def start(
        self, identity: Identity, *, warn: Callable[[], object], end: Callable[[], object]
    ) -> Sequence[asyncio.TimerHandle]:
        """Have `warn` called when the identity expires and `end` when the socket has to; for the caller to cancel."""
        if not self.has_deadline(identity):
            return ()
        loop = asyncio.get_running_loop()
        left = max(0.0, identity.expires_at - time.time())
        if self._rule is SocketLifetime.TOKEN:
            return [loop.call_later(left, end, context=Context())]
        # In a context of their own: that of the handshake holds its request.
        return [
            loop.call_later(left, warn, context=Context()),
            loop.call_later(left + GRACE_SECONDS, end, context=Context()),
        ]
