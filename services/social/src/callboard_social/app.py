"""Wires social together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callboard_servicekit.app import build_app, stopping_of, telemetry_of
from fastapi import FastAPI

from callboard_social.api import connect_token, presence, rooms, shared_paths, socket
from callboard_social.front_door import open_front_door
from callboard_social.resources import open_resources
from callboard_social.settings import SocialSettings


def create_app(settings: SocialSettings) -> FastAPI:
    """The application; what it needs is opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(settings, telemetry_of(app), stopping_of(app)) as resources:
            app.state.resources = resources
            yield

    app = build_app("Callboard social", settings, lifespan)
    app.include_router(connect_token.router)
    app.include_router(rooms.router)
    app.include_router(presence.router)
    native = socket.NativeSocket(app)
    socket.add_routes(app, native)
    shared_paths.add_routes(app, native)
    open_front_door(app, [*app.router.routes, *connect_token.router.routes])
    return app
