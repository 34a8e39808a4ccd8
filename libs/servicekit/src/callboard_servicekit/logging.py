"""Structured logs: static snake_case names, values as fields, ids instead of objects; never a secret."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from callboard_servicekit.settings import ServiceSettings

_SECRET_SHAPES = re.compile(r"ah_live_[A-Za-z0-9_-]+|eyJ[A-Za-z0-9_-]{8,256}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*")
"""API tokens and JWTs. The first part is bounded: a long line of ``eyJeyJ...`` would cost its length squared."""


def hide_secrets(_logger: WrappedLogger, _name: str, line: Any) -> str:
    """The last net, under traces of libraries too: a line with something of a token's shape loses it."""
    return _SECRET_SHAPES.sub("[hidden]", str(line))


def _encode(_logger: WrappedLogger, _name: str, line: Any) -> bytes:
    return str(line).encode(errors="backslashreplace")


def _add_service(service: str) -> Processor:
    def add(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Uvicorn takes every upgrade that was refused with a response for an application that forgot to answer."""
    return record.msg != "ASGI callable returned without completing handshake."


def _renderers(log_format: str) -> list[Processor]:
    if log_format == "console":
        # Plain: the pretty traces print every local variable, tokens and passwords among them.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def configure_logging(service: str, settings: ServiceSettings) -> None:
    """Send structlog's and the standard library's records through the same processors to standard output.

    Structlog's own go there straight: a record of the standard library made of each would take as long as all else.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service(service),
    ]
    output = sys.stdout
    structlog.configure(
        processors=[*shared, *_renderers(settings.log_format), hide_secrets, _encode],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=lambda name: structlog.BytesLogger(output.buffer, name=name),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings.log_format),
                hide_secrets,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # uvicorn logs WebSocket paths with their query at info, httpx whole URLs, aiosqlite the values of every statement:
    # all of them carry credentials.
    for name in ("uvicorn", "uvicorn.error", "httpx", "httpcore", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)
