"""Auth asks its own tables whether a token's session is over; it needs no Redis for that."""

from collections.abc import Callable
from datetime import datetime

from callboard_contracts.identity import Identity, IdentityKind
from callboard_servicekit.database import Database

from callboard_auth.sessions.repository import SessionRepository
from callboard_auth.tokens.repository import ApiTokenRepository


class StoredRevocations:
    """Implements `callboard_servicekit.authentication.RevocationCheck`."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def is_revoked(self, identity: Identity) -> bool:
        """True when the session or API token behind the identity is over, or is none of ours."""
        if identity.session_id is None:
            return True
        async with self._database.read() as unit:
            if identity.kind is IdentityKind.AGENT:
                token = await ApiTokenRepository(unit).find(identity.session_id)
                return token is None or token.is_over(self._clock())
            session = await SessionRepository(unit).find(identity.session_id)
            return session is None or session.is_over(self._clock())
