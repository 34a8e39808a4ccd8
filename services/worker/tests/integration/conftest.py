from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from callboard_testkit.running import running
from callboard_worker import CallboardClient, GatewayOptions, RetryPolicy

from .fake_gateway import API_TOKEN, FakeGateway


@dataclass(frozen=True)
class Suite:
    gateway: FakeGateway
    url: str

    def client(self, patience: timedelta | None = timedelta(seconds=20)) -> CallboardClient:
        policy = RetryPolicy(base=timedelta(milliseconds=5), cap=timedelta(milliseconds=50), patience=patience)
        return CallboardClient(self.url, API_TOKEN, GatewayOptions(policy=policy))


@pytest.fixture
async def suite() -> AsyncIterator[Suite]:
    gateway = FakeGateway()
    async with running(gateway.app(), ws="websockets-sansio") as url:
        yield Suite(gateway, url)
