"""Structured logs: static snake_case names, values as fields, ids instead of objects; never a secret."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from callboard_servicekit.settings import ServiceSettings

_SECRET_SHAPES = re.compile(r"ah_live_[A-Za-z0-9_-]+|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*")


def hide_secrets(_logger: WrappedLogger, _name: str, line: Any) -> str:
    """The last net, under traces of libraries too: a line with something of a token's shape loses it."""
    return _SECRET_SHAPES.sub("[hidden]", str(line))


def _add_service(service: str) -> Processor:
    def add(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """uvicorn takes every upgrade that was refused with a response for an application that forgot to answer."""
    return record.msg != "ASGI callable returned without completing handshake."


def configure_logging(service: str, settings: ServiceSettings) -> None:
    """Send structlog's and the standard library's records through one formatter to standard output."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service(service),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        if settings.log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, hide_secrets],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # uvicorn logs WebSocket paths with their query at info, httpx whole URLs: both carry credentials.
    for name in ("uvicorn", "uvicorn.error", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)
