"""What an operator reads, on the internal port only: liveness, readiness, metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callboard_servicekit.metrics import RedisFailures, RequestCounts, TokenChecks

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]
"""Returns when the dependency answers, raises when it does not."""

CHECK_TIMEOUT_SECONDS = 2.0


class Telemetry:
    """A service's own registry of metrics and its readiness checks; one per application, never per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = RequestCounts(self.registry)
        self.redis_failures = RedisFailures(self.registry)
        self.token_checks = TokenChecks(self.registry)
        self._checks: dict[str, Check] = {}

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks for it; `read` must be quick and must not raise."""
        Gauge(name, documentation, registry=self.registry).set_function(read)

    def add_check(self, dependency: str, check: Check) -> None:
        self._checks[dependency] = check

    async def failing(self) -> list[str]:
        """Names of the dependencies that do not answer now."""
        names = list(self._checks)
        results = await asyncio.gather(*(self._passes(name) for name in names))
        return [name for name, passes in zip(names, results, strict=True) if not passes]

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await self._checks[name]()
        except Exception as error:  # noqa: BLE001 - whatever a check raises means "not ready"
            log.warning("readiness_check_failed", dependency=name, error=type(error).__name__)
            return False
        return True


class RequestMetrics:
    """Counts requests by route template: a path would make one series per id."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._telemetry.requests.observe(scope["method"], route, status, time.perf_counter() - started)


def internal_app(telemetry: Telemetry) -> Starlette:
    """``/livez`` touches nothing, ``/readyz`` names what fails, ``/metrics`` is Prometheus' text."""

    async def livez(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_request: Request) -> Response:
        failing = await telemetry.failing()
        if failing:
            return JSONResponse({"status": "unready", "failing": failing}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])
