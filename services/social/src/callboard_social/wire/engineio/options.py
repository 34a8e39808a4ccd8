"""How sessions are kept, who handles them, and why they end."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Times in steps of a millisecond: clients are told `ping_interval` and `ping_timeout` exactly.

    `max_payload` is in bytes, of one request's body or one WebSocket message. `linger` is what a peer that does not
    read has to take what is left for it; `max_packets` is per request body. Of the sessions that nobody has admitted
    only so many are kept, in all and per client's address (of IPv6 the /64); the oldest goes for a new one.
    """

    ping_interval: timedelta
    ping_timeout: timedelta
    max_payload: int = 1_000_000
    max_packets: int = 1_000
    admission_timeout: timedelta = timedelta(seconds=30)
    max_unadmitted: int = 10_000
    max_unadmitted_per_address: int = 1_000
    upgrade_timeout: timedelta = timedelta(seconds=10)
    linger: timedelta = timedelta(seconds=10)


class SessionHandler(Protocol):
    """What a session is for; made by the application when the session opens."""

    async def received(self, message: str | bytes) -> None:
        """A message, one after the other: the next is read when this returns."""
        ...

    def ended(self, *, is_clean: bool) -> None:
        """The session is over; called exactly once.

        `is_clean`: its client said so, or it was dropped for good; otherwise it may be back in a moment.
        """
        ...


class Ending(StrEnum):
    """Why a session ended; names it in the metrics."""

    CLIENT = "client"
    """Its client said so."""
    LOST = "lost"
    """Its WebSocket is gone without a word."""
    SILENT = "silent"
    """No packet after a ping."""
    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    DUPLICATE = "duplicate-request"
    FAILED = "failed"
    """Its handler raised."""
    SLOW = "back-pressure"
    CLOSED = "closed"
    """Its handler closed it; the client comes back."""
    DROPPED = "dropped"
    """Its handler dropped it with a last word."""
    UNADMITTED = "unadmitted"
    DISPLACED = "displaced"
    """Not admitted yet, and too many others were not either."""
    SHUTDOWN = "shutdown"

    @property
    def is_clean(self) -> bool:
        return self in {Ending.CLIENT, Ending.DROPPED}
