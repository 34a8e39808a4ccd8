"""What a running producer holds: opened in the application's lifespan, closed in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import httpx
from callboard_servicekit.app import stop_process
from callboard_servicekit.authentication import Authenticator
from callboard_servicekit.database import Database
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.supervision import supervised
from callboard_servicekit.telemetry import Telemetry
from callboard_servicekit.verification import start_verification
from fastapi import Depends, Request

from callboard_producer.clock import Clock
from callboard_producer.metrics import ProducerMetrics
from callboard_producer.outbox_watch import OutboxWatch
from callboard_producer.relay import OutboxRelay
from callboard_producer.settings import ProducerSettings
from callboard_producer.workflows.relay import WorkflowRelay


@dataclass(frozen=True, slots=True)
class Resources:
    clock: Clock
    metrics: ProducerMetrics
    database: Database
    outbox: OutboxRelay
    workflows: WorkflowRelay
    authenticator: Authenticator


@asynccontextmanager
async def open_resources(settings: ProducerSettings, telemetry: Telemetry, clock: Clock) -> AsyncIterator[Resources]:
    metrics = ProducerMetrics(telemetry)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient())
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        redis = connect(settings.redis_url, telemetry.redis_failures)
        stack.push_async_callback(redis.aclose)
        relay = Relay(
            settings.redis_url,
            history_length=settings.history_length,
            history_age=settings.history_age,
            on_failure=telemetry.redis_failures,
        )
        stack.push_async_callback(relay.close)
        supervisor = await stack.enter_async_context(supervised(stop_process))
        verification = start_verification(
            settings, client=client, redis=redis, supervisor=supervisor, telemetry=telemetry
        )
        supervisor.spawn("outbox watch", OutboxWatch(database, metrics, clock).run())
        database.measure(telemetry)
        telemetry.add_check("database", database.check)
        telemetry.add_check("redis", relay.check)
        telemetry.add_check("tasks", supervisor.check)
        yield Resources(
            clock=clock,
            metrics=metrics,
            database=database,
            outbox=OutboxRelay(database, relay, metrics),
            workflows=WorkflowRelay(relay, metrics, settings.history_age),
            authenticator=verification.authenticator,
        )


def resources_of(request: Request) -> Resources:
    resources = request.app.state.resources
    assert isinstance(resources, Resources)  # noqa: S101 - put there by the lifespan
    return resources


CurrentResources = Annotated[Resources, Depends(resources_of)]
