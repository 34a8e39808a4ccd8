"""Who is here, over HTTP: the caller's own organisation, and rooms for their members only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from callboard_contracts.channels import Channel
from callboard_contracts.identity import Identity
from callboard_servicekit.app import build_app, telemetry_of
from callboard_servicekit.authentication import Authenticator
from callboard_servicekit.errors import Forbidden
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.settings import VerifierSettings
from callboard_servicekit.supervision import supervised
from callboard_servicekit.verification import start_verification
from callboard_social.api.presence import presence_router
from callboard_social.presence.presence import Presence
from callboard_testkit.running import declare_revocations_complete, running
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from redis.asyncio import Redis

from .presence_node import Node, running_node

LOBBY = Channel.room("lobby")


class Rooms:
    """Ada is in the lobby."""

    async def require_member(self, identity: Identity, room_id: str) -> None:
        if (identity.user_id, room_id) != ("ada", "lobby"):
            raise Forbidden


@dataclass(frozen=True, slots=True)
class Resources:
    authenticator: Authenticator
    presence: Presence
    rooms: Rooms


def make_app(settings: VerifierSettings, presence: Presence) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = connect(settings.redis_url)
        async with httpx.AsyncClient() as client, supervised(lambda: None) as supervisor:
            verification = start_verification(
                settings, client=client, redis=redis, supervisor=supervisor, telemetry=telemetry_of(app)
            )
            app.state.resources = Resources(verification.authenticator, presence, Rooms())
            yield
        await redis.aclose()

    def resources_of(app: FastAPI) -> Resources:
        resources = app.state.resources
        assert isinstance(resources, Resources)
        return resources

    app = build_app("test", settings, lifespan)
    app.include_router(presence_router(resources_of))
    return app


@pytest.fixture
async def node(redis_url: str) -> AsyncIterator[Node]:
    async with running_node("one", redis_url) as node:
        yield node


@pytest.fixture
async def url(node: Node, redis: Redis, redis_url: str, jwks_url: str) -> AsyncIterator[str]:
    app = make_app(VerifierSettings(redis_url=redis_url, jwks_url=jwks_url), node.presence)
    await declare_revocations_complete(redis)
    async with running(app) as url:

        async def is_ready() -> bool:
            return not await telemetry_of(app).failing()

        await eventually(is_ready)
        yield url


class Caller:
    def __init__(self, url: str, minter: TokenMinter, **claims: Any) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {minter.mint(**claims)}"}

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self._url, headers=self._headers) as http:
            return await http.get(path)

    async def lists(self, path: str, *users: str) -> None:
        """Wait until these users are listed."""
        expected = {"users": [{"userId": user, "login": f"login of {user}"} for user in users]}

        async def is_listed() -> bool:
            return bool((await self.get(path)).json() == expected)

        await eventually(is_listed)


async def test_everyone_of_the_callers_organisation_is_listed_and_nobody_else(
    node: Node, url: str, minter: TokenMinter
) -> None:
    for user_id, org in (("bob", "org-1"), ("ada", "org-1"), ("ada", "org-1"), ("eve", "org-2")):
        node.appear(user_id, org)
    await Caller(url, minter, sub="ada").lists("/api/socials/presence", "ada", "bob")
    await Caller(url, minter, sub="eve", org="org-2").lists("/api/socials/presence", "eve")
    answer = await Caller(url, minter).get("/api/socials/presence")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_who_is_in_a_room_is_for_its_members(node: Node, url: str, minter: TokenMinter) -> None:
    await node.connect("bob", LOBBY)
    node.appear("ada")
    await Caller(url, minter, sub="ada").lists("/api/socials/rooms/lobby/presence", "bob")
    for caller, room in (("bob", "lobby"), ("ada", "elsewhere")):
        answer = await Caller(url, minter, sub=caller).get(f"/api/socials/rooms/{room}/presence")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_name_that_no_room_can_have_is_a_clear_problem(url: str, minter: TokenMinter) -> None:
    for name in ("a%7Bb", "x" * 129, "..%2F", "a:b"):
        answer = await Caller(url, minter, sub="ada").get(f"/api/socials/rooms/{name}/presence")
        assert answer.status_code in {404, 422}
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_without_a_credential_nobody_is_listed(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        for path in ("/api/socials/presence", "/api/socials/rooms/lobby/presence"):
            assert (await http.get(path)).status_code == 401
