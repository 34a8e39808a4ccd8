"""Runs a service: the public application on its port, health and metrics on the internal one."""

import asyncio
import contextlib
import gc
import signal
import socket
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from prometheus_client import disable_created_metrics

from callboard_servicekit.app import stopping_of, telemetry_of
from callboard_servicekit.garbage import survivors_set_aside
from callboard_servicekit.logging import configure_logging
from callboard_servicekit.metrics import watch_event_loop, watch_process
from callboard_servicekit.settings import ServiceSettings
from callboard_servicekit.stopping import Stopping
from callboard_servicekit.telemetry import internal_app

LEAST_GRACE_SECONDS = 1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a service listens, and options of uvicorn that only this service needs."""

    host: str
    port: int
    internal_port: int
    options: dict[str, object] = field(default_factory=dict)


class _Server(uvicorn.Server):
    """A server that leaves the signals to us: uvicorn closes the listeners at once, and cuts every socket."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()  # what is there now stays


class _Stop:
    """What our signals do: the first has the application drained, then the servers closed; the next ones hurry.

    Draining and what is under way share the window, but for `LEAST_GRACE_SECONDS` that a call has in any case.
    """

    def __init__(self, stopping: Stopping, window: timedelta, *servers: _Server) -> None:
        self._stopping = stopping
        self._window = window
        self._servers = servers
        self._draining: asyncio.Task[None] | None = None
        self._deadline = 0.0

    def signalled(self) -> None:
        if self._draining is None:
            self._stopping.begin()
            self._deadline = time.monotonic() + self._window.total_seconds()
            self._draining = asyncio.create_task(self._stopping.drain(self._window))
            self._draining.add_done_callback(self._close)
        elif not self._draining.done():
            self._draining.cancel()
        else:
            for task in [task for server in self._servers for task in server.server_state.tasks]:
                task.cancel()

    def _close(self, draining: asyncio.Task[None]) -> None:
        if not draining.cancelled() and (error := draining.exception()) is not None:
            log.error("drain_failed", exc_info=error)
        left = 0.0 if draining.cancelled() else self._deadline - time.monotonic()
        for server in self._servers:
            server.config.timeout_graceful_shutdown = max(LEAST_GRACE_SECONDS, round(left))
            server.should_exit = True


def _config(app: object, host: str, port: int, window: timedelta, **options: object) -> uvicorn.Config:
    settings: dict[str, object] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "http": "httptools",
        "timeout_graceful_shutdown": int(window.total_seconds()),
    }
    return uvicorn.Config(app, host=host, port=port, **(settings | options))  # type: ignore[arg-type]


async def _run(app: FastAPI, settings: ServiceSettings, listener: Listener) -> None:
    telemetry, window = telemetry_of(app), settings.drain_window
    public = _Server(
        _config(
            app,
            listener.host,
            listener.port,
            window,
            forwarded_allow_ips=settings.forwarded_allow_ips,
            lifespan="on",
            **listener.options,
        )
    )
    internal = _Server(_config(internal_app(telemetry), listener.host, listener.internal_port, window, lifespan="off"))
    stop = _Stop(stopping_of(app), window, public, internal)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.signalled)
    async with asyncio.TaskGroup() as servers:
        servers.create_task(internal.serve())
        watching = servers.create_task(watch_event_loop(telemetry.registry))
        await public.serve()
        watching.cancel()
        internal.should_exit = True


def serve(service: str, app: FastAPI, settings: ServiceSettings, listener: Listener) -> None:
    """Serve until SIGINT or SIGTERM; exits with an error when the application cannot start.

    While it drains, both ports still answer: the one that says that it is unready, the other that sends newcomers on.
    """
    configure_logging(service, settings)
    # They would be a second series for each, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    watch_process(telemetry_of(app).registry, service)
    with survivors_set_aside(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(app, settings, listener))
