"""From the word that a service is to stop, to the moment in which its server closes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from callboard_servicekit.errors import Unavailable

Drain = Callable[[timedelta], Awaitable[None]]
"""Lets go, within so much time, of what the end of the server would cut; cancelled, it lets go of it at once."""


class ServiceStopping(Unavailable):
    detail = "This replica is stopping; another one takes over."


class Stopping:
    """One per application. From `begin` on it is unready, and refuses what another replica can do as well."""

    def __init__(self) -> None:
        self._has_begun = False
        self._drain: Drain | None = None

    @property
    def has_begun(self) -> bool:
        return self._has_begun

    def begin(self) -> None:
        self._has_begun = True

    def require_not_begun(self) -> None:
        """Raises `ServiceStopping`."""
        if self._has_begun:
            raise ServiceStopping

    async def check(self) -> None:
        """A readiness check: raises `ServiceStopping`."""
        self.require_not_begun()

    def drain_by(self, drain: Drain) -> None:
        """Have `drain` run before the server closes; without one it closes at once."""
        self._drain = drain

    async def drain(self, window: timedelta) -> None:
        if self._drain is not None:
            await self._drain(window)
