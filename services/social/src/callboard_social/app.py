"""Wires social together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from callboard_servicekit.app import build_app, stop_process, telemetry_of
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.supervision import supervised
from callboard_servicekit.telemetry import Telemetry
from callboard_servicekit.verification import start_verification
from fastapi import FastAPI
from starlette.routing import WebSocketRoute

from callboard_social.api import connect_token, socket
from callboard_social.bus import Bus
from callboard_social.dialects.native import NativeDialect
from callboard_social.handshake import Handshake
from callboard_social.hub.hub import Hub
from callboard_social.lifetime import Lifetime
from callboard_social.limits import RateLimit
from callboard_social.metrics import SocialMetrics
from callboard_social.resources import SocialResources
from callboard_social.settings import SocialSettings
from callboard_social.tickets import Tickets


def create_app(settings: SocialSettings) -> FastAPI:
    """The application; what it needs is opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _running(app, settings):
            yield

    app = build_app("Callboard social", settings, lifespan)
    app.include_router(connect_token.router)
    app.add_api_route(socket.PATH, socket.require_upgrade, include_in_schema=False)
    app.router.routes.append(WebSocketRoute(socket.PATH, socket.NativeSocket(app)))
    return app


@asynccontextmanager
async def _running(app: FastAPI, settings: SocialSettings) -> AsyncIterator[None]:
    telemetry = telemetry_of(app)
    metrics = SocialMetrics(telemetry)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient())
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
        revocations = verification.revocations
        bus = Bus(settings.redis_url, redis, relay)
        hub = Hub(bus, metrics)
        tickets = Tickets(redis, settings.ticket_secret)
        app.state.resources = SocialResources(
            settings=settings,
            authenticator=verification.authenticator,
            revocations=revocations,
            tickets=tickets,
            minting=RateLimit(settings.tickets_per_minute, metrics.limited("tickets")),
            handshake=Handshake(
                authenticator=verification.authenticator,
                tickets=tickets,
                revocations=revocations,
                bus=bus,
                failures=RateLimit(settings.failed_upgrades_per_minute, metrics.limited("failed-upgrades")),
                metrics=metrics,
            ),
            hub=hub,
            relay=relay,
            dialect=NativeDialect(),
            metrics=metrics,
            lifetime=Lifetime(settings.socket_lifetime),
        )
        _measure(hub, bus, telemetry)
        revocations.listen(hub.revoke)
        supervisor.spawn("bus", bus.run(hub))
        telemetry.add_check("redis", relay.check)
        telemetry.add_check("bus", bus.check)
        telemetry.add_check("tasks", supervisor.check)
        yield


def _measure(hub: Hub, bus: Bus, telemetry: Telemetry) -> None:
    telemetry.gauge("callboard_social_channels", "Channels that this node hears.", lambda: float(hub.channel_count))
    telemetry.gauge(
        "callboard_social_subscriptions", "Channels that sockets are in, summed.", lambda: float(hub.subscription_count)
    )
    telemetry.gauge(
        "callboard_social_bus_up", "1 while events can be heard, 0 while they cannot.", lambda: float(bus.is_heard)
    )
