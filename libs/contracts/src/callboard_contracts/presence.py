"""Who is here, as it is answered over HTTP and to the native request ``presence:list``."""

from callboard_contracts.wire import WireModel


class PresentUser(WireModel):
    """Somebody with at least one socket, or who lost the last one a moment ago."""

    user_id: str
    login: str


class PresenceSnapshot(WireModel):
    """Everyone who is in the organisation, or in a room; once each, by login."""

    users: tuple[PresentUser, ...]
