"""The sessions of one server."""

import asyncio
from typing import TYPE_CHECKING

from callboard_social.wire.engineio.errors import TooManyHandshakes

if TYPE_CHECKING:
    from callboard_social.wire.engineio.session import EngineSession


class Registry:
    """Knows every session from the moment it begins to open, and how many of them nobody has admitted yet."""

    def __init__(self, max_unadmitted: int) -> None:
        self._max_unadmitted = max_unadmitted
        self._sessions: dict[str, EngineSession] = {}
        self._unadmitted: set[str] = set()
        self._emptied = asyncio.Event()

    def add(self, session: "EngineSession") -> None:
        """Take a session that begins to open; raises `TooManyHandshakes`."""
        if len(self._unadmitted) >= self._max_unadmitted:
            raise TooManyHandshakes
        self._sessions[session.id] = session
        self._unadmitted.add(session.id)

    def find(self, session_id: str) -> "EngineSession | None":
        return self._sessions.get(session_id)

    def all(self) -> list["EngineSession"]:
        return list(self._sessions.values())

    def admit(self, session: "EngineSession") -> None:
        self._unadmitted.discard(session.id)

    def remove(self, session: "EngineSession") -> None:
        del self._sessions[session.id]
        self._unadmitted.discard(session.id)
        if not self._sessions:
            self._emptied.set()

    async def empty(self) -> None:
        """Return when no session is left."""
        while self._sessions:
            self._emptied.clear()
            await self._emptied.wait()
