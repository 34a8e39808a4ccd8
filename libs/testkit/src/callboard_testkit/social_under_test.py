"""A running social, as its integration tests see it: its address, tokens for it, and events in its channels."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from callboard_contracts.channels import ORG, Channel

from callboard_testkit.native_client import NativeClient, native_client
from callboard_testkit.signing import TokenMinter

Publish = Callable[[str, Channel, str], Awaitable[str]]
"""Organisation, channel and body to the position at which the event was published."""


class SocialUnderTest:
    def __init__(self, url: str, minter: TokenMinter, publish: Publish) -> None:
        self.url = url
        self.minter = minter
        self._publish = publish

    @property
    def socket_url(self) -> str:
        return self.url.replace("http://", "ws://") + "/api/socials/ws"

    def http(self, **claims: Any) -> httpx.AsyncClient:
        """A client with a Bearer token of these claims."""
        headers = {"Authorization": f"Bearer {self.minter.mint(**claims)}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers)

    async def ticket(self, **claims: Any) -> str:
        async with self.http(**claims) as http:
            answer = await http.post("/api/socials/connect-token")
        answer.raise_for_status()
        return str(answer.json()["token"])

    @asynccontextmanager
    async def client(self, query: str = "", **claims: Any) -> AsyncIterator[NativeClient]:
        async with native_client(self.socket_url + query, await self.ticket(**claims)) as client:
            yield client

    async def publish(self, channel: Channel = ORG, *, org: str = "org-1", **data: Any) -> str:
        """An event of the organisation, as the producer relays one; gives its position."""
        body = json.dumps({"type": "execution-updated", "at": "2026-01-01T00:00:00.000Z", "data": data})
        return await self._publish(org, channel, body)
