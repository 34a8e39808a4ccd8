"""Typed errors, named after the situation. The domain raises them, `problems` renders them, once, at the edge."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar


class ServiceError(Exception):
    """An answer other than success: status, stable code, and a sentence for a person."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal-error"
    detail: str = "Something went wrong on our side."

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        self.detail = detail if detail is not None else type(self).detail
        self.headers = dict(headers or {})
        super().__init__(self.detail)

    @property
    def is_temporary(self) -> bool:
        """True when the same call may work later."""
        return self.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}

    def members(self) -> dict[str, object]:
        """Further members of the problem, beyond the common ones."""
        return {}


class MalformedBody(ServiceError):
    status = HTTPStatus.BAD_REQUEST
    code = "malformed-json"
    detail = "The body is not valid JSON."


class BodyTooLarge(ServiceError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "body-too-large"
    detail = "The body is larger than any call takes."


class NotAuthenticated(ServiceError):
    """No credential, or one that proves nothing. Never says which part was wrong with a token."""

    status = HTTPStatus.UNAUTHORIZED
    code = "not-authenticated"
    detail = "Authentication required"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(ServiceError):
    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    detail = "This identity may not do that."


class OriginRefused(Forbidden):
    code = "origin-refused"
    detail = "Calls from this origin are not allowed with these credentials."


class NotFound(ServiceError):
    status = HTTPStatus.NOT_FOUND
    code = "not-found"
    detail = "There is nothing here."


class TooManyRequests(ServiceError):
    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-requests"
    detail = "Too many requests; come back later."

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(max(1, retry_after_seconds))})


class Unavailable(ServiceError):
    """Something we need is away for a while. Nothing that was acknowledged is lost."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    detail = "Temporarily unavailable; try again."

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})
