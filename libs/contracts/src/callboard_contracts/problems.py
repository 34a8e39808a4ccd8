"""Errors over HTTP: RFC 9457 ``application/problem+json``, from services and gateway alike."""

from callboard_contracts.wire import WireModel

PROBLEM_MEDIA_TYPE = "application/problem+json"


class FieldError(WireModel):
    """One thing wrong with a body: where, and what; never the input itself."""

    location: tuple[str | int, ...]
    message: str


class Problem(WireModel):
    """``type`` is ``about:blank#<code>``; ``code`` is the stable name a client switches on."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: tuple[FieldError, ...] | None = None
