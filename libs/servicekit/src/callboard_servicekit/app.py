"""Builds the FastAPI application that every service starts from."""

import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from callboard_servicekit.origins import Origins
from callboard_servicekit.problems import UnhandledErrors, install_error_handlers
from callboard_servicekit.request_context import HEADER, RequestContext
from callboard_servicekit.routing import StrictJsonRoute
from callboard_servicekit.settings import ServiceSettings
from callboard_servicekit.stopping import Stopping
from callboard_servicekit.telemetry import RequestMetrics, Telemetry

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def build_app(title: str, settings: ServiceSettings, lifespan: Lifespan) -> FastAPI:
    """An application with our errors, CORS, request ids and metrics; the caller adds its routers.

    The lifespan opens resources and puts them into ``app.state.resources``; `telemetry_of` gives what health and
    metrics are kept in, `stopping_of` what happens before the server closes.
    """
    telemetry, stopping = Telemetry(), Stopping()
    telemetry.add_check("draining", stopping.check)
    # Its own would look for an OpenTelemetry at every call, and put queries into spans, where credentials travel.
    app = FastAPI(title=title, lifespan=lifespan, redirect_slashes=False, telemetry=_NO_TELEMETRY)
    app.router.route_class = StrictJsonRoute
    app.state.telemetry = telemetry
    app.state.stopping = stopping
    install_error_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(UnhandledErrors)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=sorted(Origins.of(settings).allowed),
        allow_credentials=True,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", HEADER],
        expose_headers=["Link", "Retry-After", "X-Position", HEADER],
        max_age=600,
    )
    app.add_middleware(RequestMetrics, telemetry=telemetry)
    app.add_middleware(RequestContext)
    return app


def telemetry_of(app: FastAPI) -> Telemetry:
    telemetry = app.state.telemetry
    assert isinstance(telemetry, Telemetry)  # noqa: S101 - put there by build_app
    return telemetry


def stopping_of(app: FastAPI) -> Stopping:
    stopping = app.state.stopping
    assert isinstance(stopping, Stopping)  # noqa: S101 - put there by build_app
    return stopping


def stop_process() -> None:
    """End this process as a supervisor of processes would: it is restarted whole, never left half-dead."""
    signal.raise_signal(signal.SIGTERM)
