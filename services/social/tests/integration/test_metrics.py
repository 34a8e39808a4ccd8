"""The life of sockets, as the metrics tell it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from callboard_servicekit.app import telemetry_of
from callboard_social.app import create_app
from callboard_social.handoff import HandoffProtocol
from callboard_social.settings import SocialSettings
from callboard_testkit.native_client import native_client, open_socket
from callboard_testkit.running import declare_revocations_complete, publish_revocation, running
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from redis.asyncio import Redis

from .conftest import TICKET_SECRET


class Watched:
    def __init__(self, app: FastAPI, url: str, minter: TokenMinter) -> None:
        self.socket_url = url.replace("http://", "ws://") + "/api/socials/ws"
        self._app = app
        self._url = url
        self._minter = minter

    def sample(self, name: str, **labels: str) -> float:
        return telemetry_of(self._app).registry.get_sample_value(f"callboard_{name}", labels) or 0.0

    async def is_ready(self) -> bool:
        return not await telemetry_of(self._app).failing()

    async def ticket(self, **claims: Any) -> str:
        headers = {"Authorization": f"Bearer {self._minter.mint(**claims)}"}
        async with httpx.AsyncClient(base_url=self._url, headers=headers) as http:
            answer = await http.post("/api/socials/connect-token")
        return str(answer.json().get("token"))


@pytest.fixture
async def watched(
    redis: Redis, redis_url: str, jwks_url: str, migrated_url: str, minter: TokenMinter
) -> AsyncIterator[Watched]:
    settings = SocialSettings(
        redis_url=redis_url,
        jwks_url=jwks_url,
        ticket_secret=TICKET_SECRET,
        tickets_per_minute=3,
        database_url=migrated_url,
    )
    app = create_app(settings)
    await declare_revocations_complete(redis)
    async with running(app, ws=HandoffProtocol, ws_ping_interval=None) as url:
        watched = Watched(app, url, minter)
        await eventually(watched.is_ready)
        yield watched


async def test_a_socket_is_counted_from_its_ticket_to_its_close(watched: Watched) -> None:
    async with native_client(watched.socket_url, await watched.ticket()) as client:
        assert watched.sample("social_connections", dialect="native") == 1
        assert watched.sample("social_channels") == watched.sample("social_subscriptions") == 2
        await client.send(type="chat", content="hello")
        await client.send(type="nonsense-of-a-client")
        await eventually(lambda: watched.sample("social_messages_outbound_total", type="echo") == 1)
        await eventually(lambda: watched.sample("social_messages_outbound_total", type="error") == 1)
    await eventually(lambda: watched.sample("social_closes_total", side="client", code="1000") == 1)
    assert watched.sample("social_connections", dialect="native") == 0
    assert watched.sample("social_channels") == 0
    assert watched.sample("social_tickets_minted_total") == 1
    minted = {"method": "POST", "route": "/api/socials/connect-token", "status": "200"}
    assert watched.sample("http_requests_total", **minted) == 1
    assert watched.sample("social_tickets_presented_total", outcome="accepted") == 1
    assert watched.sample("social_connections_opened_total", dialect="native") == 1
    assert watched.sample("social_handshake_seconds_count") == 1
    assert watched.sample("social_messages_inbound_total", type="chat") == 1
    assert watched.sample("social_messages_inbound_total", type="unknown") == 1
    assert watched.sample("social_delivery_seconds_count", type="chat") == 1
    assert watched.sample("social_bus_up") == watched.sample("revocations_complete") == 1


async def test_what_is_refused_is_counted_by_its_reason(watched: Watched) -> None:
    used = await watched.ticket()
    async with native_client(watched.socket_url, used):
        pass
    for token in (used, "nonsense"):
        async with open_socket(watched.socket_url, token) as client:
            assert (await client.closed())[0] == 4401
    assert watched.sample("social_tickets_presented_total", outcome="used") == 1
    assert watched.sample("social_tickets_presented_total", outcome="invalid") == 1
    assert watched.sample("social_upgrades_refused_total", code="4401") == 2
    for _ in range(3):
        await watched.ticket()
    assert watched.sample("social_rate_limited_total", limit="tickets") == 1


async def test_a_revocation_is_counted_with_its_lag_and_its_close(watched: Watched, redis: Redis) -> None:
    async with native_client(watched.socket_url, await watched.ticket(sid="session-9")):
        await publish_revocation(redis, kind="sid", id="session-9", at=1)
        await eventually(lambda: watched.sample("social_closes_total", side="server", code="4501") == 1)
    assert watched.sample("revocation_lag_seconds_count") == 1
    assert watched.sample("token_checks_total", outcome="verified") == 1
