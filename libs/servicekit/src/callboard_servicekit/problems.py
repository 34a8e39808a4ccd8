"""The edge: every error leaves as RFC 9457 ``application/problem+json``, and no error echoes its input."""

import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from callboard_contracts.problems import PROBLEM_MEDIA_TYPE, FieldError, Problem
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callboard_servicekit import strict_json
from callboard_servicekit.errors import BodyTooLarge, MalformedBody, ServiceError, Unavailable
from callboard_servicekit.request_context import current_request_id

MAX_NAMED_ERRORS = 20
"""Of a body with thousands of mistakes the first ones are enough to know."""

_OUTAGE_STATES = ("08", "40", "53", "55P03", "57", "58")
"""PostgreSQL's classes for: connection lost, deadlock, out of resources, lock time-out, shutting down, broken disk."""

log = structlog.get_logger(__name__)


def problem_response(
    connection: HTTPConnection,
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response:
    """One problem, as a response to this connection; also used to refuse an upgrade."""
    problem = Problem(
        type=f"about:blank#{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=strict_json.repair_text(connection.url.path),
        code=code,
        request_id=current_request_id(),
    )
    body = problem.model_dump(mode="json", by_alias=True, exclude_none=True) | dict(members or {})
    return Response(strict_json.dumps(body), status, headers, media_type=PROBLEM_MEDIA_TYPE)


def render(connection: HTTPConnection, error: ServiceError) -> Response:
    return problem_response(
        connection, error.status, error.code, error.detail, headers=error.headers, members=error.members()
    )


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - the handler is registered for this class
    return render(request, error)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - likewise
    details: list[dict[str, Any]] = list(error.errors())[:MAX_NAMED_ERRORS]
    fields = [FieldError(location=_place_of(entry), message=entry["msg"]) for entry in details]
    return problem_response(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-request",
        "The request does not have the form this call takes.",
        members={"errors": [field.model_dump(mode="json", by_alias=True) for field in fields]},
    )


def _place_of(entry: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Where the mistake is. A name that nobody asked for is input, and stays out of it."""
    location: tuple[str | int, ...] = tuple(entry["loc"])
    return (*location[:-1], "(unknown name)") if entry["type"] == "extra_forbidden" else location


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    if isinstance(error.__cause__, ServiceError):
        # FastAPI wraps whatever reading the body raised, ours too.
        return render(request, error.__cause__)
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "-")
    return problem_response(request, error.status_code, code, phrase, headers=error.headers)


async def _dependency_outage(request: Request, error: Exception) -> Response:
    """Redis or the database did not answer: the caller may come back, and nothing is half done."""
    if not _is_outage(error):
        raise error
    log.warning("dependency_unavailable", error=type(error).__name__)
    return render(request, Unavailable())


def _is_outage(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.filename is None  # a file that is missing is a fault of ours
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_OUTAGE_STATES)
    # SQLite says "operational" of a missing table too, with its plainest code; an outage has a code of its own.
    is_plain = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, OperationalError | InterfaceError) and not is_plain


class UnhandledErrors:
    """Turns what nobody caught into a problem, inside CORS, so that a browser may read it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            log.exception("unhandled_error")
            if started:
                raise
            response = render(HTTPConnection(scope), ServiceError())
            await response(scope, receive, send)


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    for outage in (RedisError, DBAPIError, PoolTimeout, OSError):
        app.add_exception_handler(outage, _dependency_outage)


class StrictJsonRequest(Request):
    """A request whose ``json()`` is ours: what FastAPI validates has passed the strict parser."""

    max_body_bytes = 128 * 1024
    _repairs_text = False
    _read: bytes | None = None

    async def body(self) -> bytes:
        """The whole body, read once; raises `BodyTooLarge` as soon as it is over the bound."""
        if self._read is None:
            parts, size = [], 0
            async for part in self.stream():
                size += len(part)
                if size > self.max_body_bytes:
                    raise BodyTooLarge
                parts.append(part)
            self._read = b"".join(parts)
        return self._read

    async def json(self) -> Any:
        try:
            return strict_json.loads(await self.body(), repair=self._repairs_text)
        except strict_json.InvalidJson as error:
            raise MalformedBody(f"The body is not valid JSON: {error}.") from error


class SmallJsonRequest(StrictJsonRequest):
    """For calls that need no credential."""

    max_body_bytes = 16 * 1024


class RepairingJsonRequest(StrictJsonRequest):
    """For log lines: text that some party could not carry is repaired, not refused."""

    max_body_bytes = 4 * 1024 * 1024
    _repairs_text = True
