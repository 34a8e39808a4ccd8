"""Why a socket was closed, and what its client does next. PROTOCOL.md and the clients follow this table."""

from dataclasses import dataclass
from enum import StrEnum

MAX_TERMINAL_CODE = 4999
MIN_TERMINAL_CODE = 4500


class Return(StrEnum):
    """What a client does after a close."""

    NEVER = "never"
    AT_ONCE = "at once, with jitter"
    WITH_NEW_TOKEN = "with a new token"
    AFTER_DELAY = "after the delay it was told"


@dataclass(frozen=True, slots=True)
class CloseCode:
    """A code, the reason in the close frame, and what the client does."""

    code: int
    reason: str
    then: Return


SHUTTING_DOWN = CloseCode(1001, "server shutting down", Return.AFTER_DELAY)
BACK_PRESSURE = CloseCode(1008, "back-pressure threshold exceeded", Return.AT_ONCE)
MESSAGE_TOO_BIG = CloseCode(1009, "message too big", Return.AT_ONCE)
IDENTITY_EXPIRED = CloseCode(4001, "identity expired", Return.WITH_NEW_TOKEN)
NO_PONG = CloseCode(4002, "no pong", Return.AT_ONCE)
DEAF = CloseCode(4003, "this node can't hear", Return.AT_ONCE)
TICKET_REFUSED = CloseCode(4401, "ticket refused", Return.WITH_NEW_TOKEN)
TOO_MANY_MESSAGES = CloseCode(4429, "too many messages", Return.AFTER_DELAY)
SESSION_REVOKED = CloseCode(4501, "session revoked", Return.NEVER)
IDENTITY_CHANGED = CloseCode(4503, "identity change", Return.NEVER)
PROTOCOL_VIOLATIONS = CloseCode(4508, "protocol violations", Return.NEVER)
CONNECTION_LIMIT = CloseCode(4509, "connection limit", Return.NEVER)

ALL = (
    SHUTTING_DOWN,
    BACK_PRESSURE,
    MESSAGE_TOO_BIG,
    IDENTITY_EXPIRED,
    NO_PONG,
    DEAF,
    TICKET_REFUSED,
    TOO_MANY_MESSAGES,
    SESSION_REVOKED,
    IDENTITY_CHANGED,
    PROTOCOL_VIOLATIONS,
    CONNECTION_LIMIT,
)
_BY_CODE = {entry.code: entry for entry in ALL}


def what_next(code: int) -> Return:
    """What a client does after this code; of the unknown ones only 4500-4999 are for good."""
    if code in _BY_CODE:
        return _BY_CODE[code].then
    return Return.NEVER if MIN_TERMINAL_CODE <= code <= MAX_TERMINAL_CODE else Return.AT_ONCE
