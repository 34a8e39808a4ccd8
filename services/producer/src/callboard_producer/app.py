"""The application: what the producer is made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callboard_servicekit.app import build_app, telemetry_of
from fastapi import FastAPI

from callboard_producer.clock import Clock, utc_now
from callboard_producer.executions import endpoints as executions
from callboard_producer.logs import endpoints as logs
from callboard_producer.resources import open_resources
from callboard_producer.settings import ProducerSettings
from callboard_producer.workflows import endpoints as workflows


def create_app(settings: ProducerSettings, clock: Clock = utc_now) -> FastAPI:
    """The application; what it needs is opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(settings, telemetry_of(app), clock) as resources:
            app.state.resources = resources
            yield

    app = build_app("Callboard producer", settings, lifespan)
    app.include_router(executions.router)
    app.include_router(logs.router)
    app.include_router(workflows.router)
    return app
