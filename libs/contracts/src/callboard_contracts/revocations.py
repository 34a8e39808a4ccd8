"""The revocation stream: what auth appends when a session ends or a token is revoked, and who it concerns."""

from enum import StrEnum

from callboard_contracts.wire import WireModel


class RevocationKind(StrEnum):
    SID = "sid"
    """A session, or an API token used as one: ``id`` equals the ``sid`` claim."""
    USER = "user"
    """Every token of a user issued before ``at``: ``id`` equals the ``sub`` claim."""
    REPUBLISHED = "republished"
    """Auth's word that all that may still matter was appended to this Redis; ``id`` is Redis' run id."""


class Revocation(WireModel):
    """One entry of ``cb:revocations``, its fields as strings; ``at`` is in seconds since 1970."""

    kind: RevocationKind
    id: str
    org: str
    at: int
