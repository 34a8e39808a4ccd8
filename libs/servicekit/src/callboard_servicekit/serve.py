"""Runs a service: the public application on its port, health and metrics on the internal one."""

import asyncio
import contextlib
import signal
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta

import uvicorn
import uvloop
from fastapi import FastAPI
from prometheus_client import disable_created_metrics

from callboard_servicekit.app import telemetry_of
from callboard_servicekit.logging import configure_logging
from callboard_servicekit.metrics import watch_event_loop, watch_process
from callboard_servicekit.settings import ServiceSettings
from callboard_servicekit.telemetry import internal_app


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a service listens, and options of uvicorn that only this service needs."""

    host: str
    port: int
    internal_port: int
    options: dict[str, object] = field(default_factory=dict)


class _Server(uvicorn.Server):
    """A server that leaves the signals to us: two servers in one loop would take them from each other."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


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

    def stop() -> None:
        public.should_exit = internal.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as servers:
        servers.create_task(internal.serve())
        watching = servers.create_task(watch_event_loop(telemetry.registry))
        await public.serve()
        watching.cancel()
        stop()


def serve(service: str, app: FastAPI, settings: ServiceSettings, listener: Listener) -> None:
    """Serve until SIGINT or SIGTERM; exits with an error when the application cannot start."""
    configure_logging(service, settings)
    # They would be a second series for each, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    watch_process(telemetry_of(app).registry, service)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(app, settings, listener))
