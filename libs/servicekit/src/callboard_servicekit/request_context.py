"""The id of a request, from the gateway through every service and log line; HTTP and sockets alike."""

import re
import secrets
import time
from urllib.parse import quote

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

HEADER = "X-Request-Id"
_RAW_HEADER = HEADER.lower().encode()
_FORM = re.compile(rb"[A-Za-z0-9_-]{8,64}")


def current_request_id() -> str:
    """The id of the request this code runs for, or an empty string outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _RAW_HEADER and _FORM.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(16)


def _stamp(message: Message, request_id: str) -> None:
    """Unless the answer carries an id of its own."""
    headers = [*message.get("headers", ())]
    if not any(name.lower() == _RAW_HEADER for name, _ in headers):
        headers.append((_RAW_HEADER, request_id.encode()))
    message["headers"] = headers


class RequestContext:
    """Binds the request id for all that runs below, returns it, and writes one log line per HTTP request.

    The line has the path and never the query: credentials travel there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        started, status = time.perf_counter(), 0

        async def stamp(message: Message) -> None:
            nonlocal status
            if message["type"] in {"http.response.start", "websocket.accept", "websocket.http.response.start"}:
                status = message.get("status", 101)
                _stamp(message, request_id)
            await send(message)

        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, stamp)
            if scope["type"] == "http":
                elapsed = round((time.perf_counter() - started) * 1000, 1)
                # Quoted, or a line break in a path would begin a forged log line.
                path = quote(scope["path"], errors="replace")
                log.info("request", method=scope["method"], path=path, status=int(status), ms=elapsed)
        finally:
            structlog.contextvars.reset_contextvars(**bound)
