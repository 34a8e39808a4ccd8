"""The sessions of one server."""

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from callboard_social.address import network_of
from callboard_social.wire.engineio.options import Ending

if TYPE_CHECKING:
    from callboard_social.wire.engineio.session import EngineSession


class Registry:
    """Knows every session from the moment it begins to open, and which of them nobody has admitted yet.

    Of those only so many are kept, in all and per client's address. One more displaces the oldest: who is admitted is
    so within moments, so whoever opens sessions for nothing displaces its own long before anybody else's.
    """

    def __init__(self, max_unadmitted: int, max_unadmitted_per_address: int) -> None:
        self._max_unadmitted = max_unadmitted
        self._max_unadmitted_per_address = max_unadmitted_per_address
        self._sessions: dict[str, EngineSession] = {}
        self._unadmitted: OrderedDict[str, EngineSession] = OrderedDict()
        self._unadmitted_of: dict[bytes, OrderedDict[str, EngineSession]] = {}
        self._emptied = asyncio.Event()

    def add(self, session: "EngineSession") -> None:
        """Take a session that begins to open."""
        address = network_of(session.request)
        _displace(self._unadmitted_of.get(address, OrderedDict()), self._max_unadmitted_per_address)
        _displace(self._unadmitted, self._max_unadmitted)
        self._sessions[session.id] = session
        self._unadmitted[session.id] = session
        self._unadmitted_of.setdefault(address, OrderedDict())[session.id] = session

    def find(self, session_id: str) -> "EngineSession | None":
        return self._sessions.get(session_id)

    def all(self) -> list["EngineSession"]:
        return list(self._sessions.values())

    def admit(self, session: "EngineSession") -> None:
        if self._unadmitted.pop(session.id, None) is None:
            return
        address = network_of(session.request)
        del self._unadmitted_of[address][session.id]
        if not self._unadmitted_of[address]:
            del self._unadmitted_of[address]

    def remove(self, session: "EngineSession") -> None:
        del self._sessions[session.id]
        self.admit(session)
        if not self._sessions:
            self._emptied.set()

    async def empty(self) -> None:
        """Return when no session is left."""
        while self._sessions:
            self._emptied.clear()
            await self._emptied.wait()


def _displace(unadmitted: "OrderedDict[str, EngineSession]", bound: int) -> None:
    """Make room for one more; a session that ends removes itself."""
    if len(unadmitted) >= bound:
        next(iter(unadmitted.values())).end(Ending.DISPLACED)
