"""The application: what auth is made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callboard_servicekit.app import build_app, telemetry_of
from fastapi import FastAPI

from callboard_auth.accounts import endpoints as accounts
from callboard_auth.audit import endpoints as audit
from callboard_auth.keys import endpoints as keys
from callboard_auth.resources import Clock, open_resources, utc_now
from callboard_auth.sessions import endpoints as sessions
from callboard_auth.settings import AuthSettings
from callboard_auth.tokens import endpoints as tokens


def create_app(settings: AuthSettings, clock: Clock = utc_now) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(settings, telemetry_of(app), clock) as resources:
            app.state.resources = resources
            yield

    app = build_app("Callboard auth", settings, lifespan)
    for slice_ in (accounts, sessions, tokens, keys, audit):
        app.include_router(slice_.router)
    return app
