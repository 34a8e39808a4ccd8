"""What a running social holds open: made in the application's lifespan, closed in reverse."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
from callboard_contracts.native import MAX_INBOUND_BYTES
from callboard_servicekit.app import stop_process
from callboard_servicekit.authentication import Authenticator
from callboard_servicekit.database import Database
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.revocations import Revocations
from callboard_servicekit.stopping import Stopping
from callboard_servicekit.supervision import Supervisor, supervised
from callboard_servicekit.telemetry import Telemetry
from callboard_servicekit.verification import Verification, start_verification
from fastapi import FastAPI
from redis.asyncio import Redis

from callboard_social.bus import Bus
from callboard_social.capacity import Capacity, CapacityLimits
from callboard_social.cookie_authority.authority import CookieAuthority, open_cookie_authority
from callboard_social.dialects.native import NativeDialect
from callboard_social.dialects.native_requests import NativeRequests
from callboard_social.dialects.native_session import NativeService
from callboard_social.dialects.socketio.applications.admission import Admission
from callboard_social.drain import Drain
from callboard_social.engines import make_engines
from callboard_social.handoff import SocketLimits, Wheel
from callboard_social.handshake import Handshake
from callboard_social.hub.hub import Hub
from callboard_social.lifetime import Lifetime
from callboard_social.limits import RateLimit
from callboard_social.metrics import SocialMetrics
from callboard_social.presence.presence import Presence
from callboard_social.rooms.gate import RoomGate
from callboard_social.rooms.service import Rooms
from callboard_social.settings import SocialSettings
from callboard_social.tickets import Tickets
from callboard_social.wire.engineio.server import EngineServer


@dataclass(frozen=True, slots=True)
class SocialResources:
    """``engines`` are by path."""

    settings: SocialSettings
    authenticator: Authenticator
    revocations: Revocations
    tickets: Tickets
    minting: RateLimit
    handshake: Handshake
    capacity: Capacity
    hub: Hub
    rooms: Rooms
    presence: Presence
    dialect: NativeDialect
    native: NativeService
    socket_limits: SocketLimits
    engines: Mapping[str, EngineServer]
    metrics: SocialMetrics
    lifetime: Lifetime


@dataclass(frozen=True, slots=True)
class _Foundation:
    """What is open before anybody can be let in."""

    redis: Redis
    relay: Relay
    database: Database
    supervisor: Supervisor
    verification: Verification
    cookie_authority: CookieAuthority | None
    telemetry: Telemetry
    metrics: SocialMetrics


def resources_of(app: FastAPI) -> SocialResources:
    resources = app.state.resources
    assert isinstance(resources, SocialResources)  # noqa: S101 - put there by the lifespan
    return resources


@asynccontextmanager
async def open_resources(
    settings: SocialSettings, telemetry: Telemetry, stopping: Stopping
) -> AsyncIterator[SocialResources]:
    async with AsyncExitStack() as stack:
        foundation = await _lay_foundation(settings, telemetry, stack)
        resources = _build(settings, foundation, stopping)
        engines = tuple(resources.engines.values())
        drain = Drain(resources.hub, resources.dialect, engines, resources.metrics, settings.drain_notice)
        stopping.drain_by(drain.run)
        # The first to go: presence says goodbye while Redis is there, sessions while clients can be answered.
        stack.push_async_callback(resources.presence.part)
        for engine in resources.engines.values():
            stack.push_async_callback(engine.close)
        yield resources


async def _lay_foundation(settings: SocialSettings, telemetry: Telemetry, stack: AsyncExitStack) -> _Foundation:
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
    verification = start_verification(settings, client=client, redis=redis, supervisor=supervisor, telemetry=telemetry)
    authority = await stack.enter_async_context(open_cookie_authority(settings, telemetry))
    database.measure(telemetry)
    telemetry.add_check("database", database.check)
    telemetry.add_check("redis", relay.check)
    telemetry.add_check("tasks", supervisor.check)
    metrics = SocialMetrics(telemetry)
    return _Foundation(redis, relay, database, supervisor, verification, authority, telemetry, metrics)


def _build(settings: SocialSettings, foundation: _Foundation, stopping: Stopping) -> SocialResources:
    metrics, supervisor, revocations = foundation.metrics, foundation.supervisor, foundation.verification.revocations
    bus = Bus(settings.redis_url, foundation.redis, foundation.relay)
    hub = Hub(bus, metrics)
    tickets = Tickets(foundation.redis, settings.ticket_secret)
    capacity = Capacity(_capacity_limits(settings), metrics)
    handshake = Handshake(
        authenticator=foundation.verification.authenticator,
        tickets=tickets,
        revocations=revocations,
        bus=bus,
        stopping=stopping,
        capacity=capacity,
        failures=RateLimit(settings.failed_upgrades_per_minute, metrics.limited("failed-upgrades")),
        metrics=metrics,
        cookie_authority=foundation.cookie_authority,
    )
    lifetime = Lifetime(settings.socket_lifetime)
    rooms = Rooms(foundation.database, foundation.relay)
    gate = RoomGate(rooms, hub)
    presence = Presence(foundation.redis, hub, metrics, uuid.uuid4().hex)
    for watcher in (capacity, gate, presence):
        hub.watch(watcher)
    revocations.listen(hub.revoke)
    supervisor.spawn("bus", bus.run(hub))
    supervisor.spawn("rooms", gate.run())
    supervisor.spawn("presence", presence.run())
    foundation.telemetry.add_check("bus", bus.check)
    _measure(hub, bus, foundation.telemetry)
    admission = Admission(
        handshake=handshake, hub=hub, revocations=revocations, lifetime=lifetime, capacity=capacity, metrics=metrics
    )
    return SocialResources(
        settings=settings,
        authenticator=foundation.verification.authenticator,
        revocations=revocations,
        tickets=tickets,
        minting=RateLimit(settings.tickets_per_minute, metrics.limited("tickets")),
        handshake=handshake,
        capacity=capacity,
        hub=hub,
        rooms=rooms,
        presence=presence,
        dialect=NativeDialect(),
        native=NativeService(hub, NativeRequests(hub, rooms, presence), metrics),
        socket_limits=_socket_limits(settings),
        engines=make_engines(settings, admission, rooms, metrics, is_ready=lambda: handshake.is_ready),
        metrics=metrics,
        lifetime=lifetime,
    )


def _capacity_limits(settings: SocialSettings) -> CapacityLimits:
    return CapacityLimits(
        node=settings.connections,
        address=settings.connections_per_address,
        organization=settings.connections_per_organization,
        user=settings.connections_per_user,
    )


def _socket_limits(settings: SocialSettings) -> SocketLimits:
    interval, timeout = settings.ping_interval.total_seconds(), settings.ping_timeout.total_seconds()
    return SocketLimits(
        max_message=MAX_INBOUND_BYTES,
        ping_interval=interval,
        ping_timeout=timeout,
        wheel=Wheel.for_pings(interval, timeout),
    )


def _measure(hub: Hub, bus: Bus, telemetry: Telemetry) -> None:
    telemetry.gauge("callboard_social_channels", "Channels that this node hears.", lambda: float(hub.channel_count))
    telemetry.gauge(
        "callboard_social_subscriptions", "Channels that sockets are in, summed.", lambda: float(hub.subscription_count)
    )
    telemetry.gauge(
        "callboard_social_bus_up", "1 while events can be heard, 0 while they cannot.", lambda: float(bus.is_heard)
    )
