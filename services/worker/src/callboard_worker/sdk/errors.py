"""Typed errors of the SDK, named after the situation. All of them are `CallboardError`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class CallboardError(Exception):
    """Anything that Callboard answers, or fails to answer. Never carries a token."""


class GatewayUnreachable(CallboardError):
    """Patience ran out before the gateway acknowledged. Whether the call was carried out is unknown."""

    def __init__(self, attempts: int, reason: str) -> None:
        self.attempts = attempts
        self.reason = reason
        super().__init__(f"not acknowledged after {attempts} attempts; the last one: {reason}")


class UnexpectedAnswer(CallboardError):
    """The answer is not what the contract says: another program listens there, or its release differs."""


class Refused(CallboardError):
    """The gateway answered, and the answer is no; sending the same again changes nothing.

    ``status`` is the HTTP status, ``code`` the problem's stable name (``http-<status>`` when the answer is not
    problem+json), ``request_id`` finds the call in the service's logs, ``members`` are the problem's further members.
    """

    def __init__(self, status: int, code: str, detail: str, request_id: str | None, members: Mapping[str, Any]) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.members = members
        reference = f", request {request_id}" if request_id else ""
        super().__init__(f"{detail} ({code}, HTTP {status}{reference})")


class InvalidRequest(Refused):
    """400, 413, 422: the body or a parameter is wrong; ``members["errors"]`` says where."""


class NotAuthenticated(Refused):
    """401: the API token is unknown, expired or revoked."""


class Forbidden(Refused):
    """403: this identity may not do that."""


class NotFound(Refused):
    """404: nothing is there, or nothing for this organisation."""


class Conflict(Refused):
    """409: it contradicts what is stored."""


class AttemptOver(Conflict):
    """409 ``attempt-over``: a finished attempt never changes."""


class EventConflict(Conflict):
    """409 ``event-conflict``: another event of the workflow has this id."""


class LineConflict(Conflict):
    """409 ``line-conflict``: another text is stored under this line number."""


class LineGap(Conflict):
    """409 ``line-gap``: lines before the chunk are missing; the chunk has to begin at ``expected_line``."""

    @property
    def expected_line(self) -> int | None:
        """The number of the first missing line, None when the answer does not tell."""
        expected = self.members.get("expectedLine")
        return expected if isinstance(expected, int) else None


class SocketClosedForGood(CallboardError):
    """The socket was closed with a code after which a client does not come back."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"the connection was closed for good: {reason} ({code})")


class SubscriptionRefused(CallboardError):
    """A channel that may not be joined, or that does not exist."""

    def __init__(self, channel: str, code: str, message: str) -> None:
        self.channel = channel
        self.code = code
        super().__init__(f"cannot subscribe to {channel}: {message} ({code})")


_BY_CODE: Mapping[str, type[Refused]] = {
    "attempt-over": AttemptOver,
    "event-conflict": EventConflict,
    "line-conflict": LineConflict,
    "line-gap": LineGap,
}
_BY_STATUS: Mapping[int, type[Refused]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequest,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: InvalidRequest,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidRequest,
    HTTPStatus.UNAUTHORIZED: NotAuthenticated,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
}


def situation(status: int, code: str) -> type[Refused]:
    """The error for a problem: by its code where that has one of its own, else by its status."""
    return _BY_CODE.get(code) or _BY_STATUS.get(status, Refused)
