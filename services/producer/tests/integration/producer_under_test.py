"""A running producer, as its tests see it: tokens for it, calls to it, and what it put into the channels."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from callboard_contracts.channels import ORG, Channel
from callboard_contracts.keys import channel_key
from callboard_producer.app import create_app
from callboard_producer.settings import ProducerSettings
from callboard_servicekit.app import telemetry_of
from callboard_testkit.running import declare_revocations_complete, running
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from redis.asyncio import Redis

ORGANIZATION = "org-1"
PATIENCE_SECONDS = 20.0

Json = dict[str, Any]


@dataclass(frozen=True)
class ProducerUnderTest:
    url: str
    app: FastAPI
    settings: ProducerSettings
    minter: TokenMinter

    def client(self, **claims: Any) -> httpx.AsyncClient:
        """A worker of ``org-1`` unless the claims say otherwise."""
        headers = {"Authorization": f"Bearer {self.minter.mint(**claims)}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS)

    async def is_ready(self) -> bool:
        return not await telemetry_of(self.app).failing()

    def sample(self, metric: str, **labels: str) -> float:
        return telemetry_of(self.app).registry.get_sample_value(metric, labels) or 0.0


@asynccontextmanager
async def running_producer(
    settings: ProducerSettings, minter: TokenMinter, revocations_redis_url: str | None = None
) -> AsyncIterator[ProducerUnderTest]:
    """Serve a producer until the end of the block; the revocations are known when the block begins."""
    app = create_app(settings)
    async with running(app) as url, Redis.from_url(revocations_redis_url or settings.redis_url) as redis:
        await declare_revocations_complete(redis)
        producer = ProducerUnderTest(url, app, settings, minter)
        await eventually(producer.is_ready)
        yield producer


def update_body(task_id: str = "task-1", status: str = "RUNNING", **fields: Any) -> Json:
    return {"taskId": task_id, "organizationId": ORGANIZATION, "status": status} | fields


async def update(client: httpx.AsyncClient, task_id: str = "task-1", status: str = "RUNNING", **fields: Any) -> Json:
    """Post a status that has to be taken; gives the answer."""
    answer = await client.post("/executions/update", json=update_body(task_id, status, **fields))
    assert answer.status_code == httpx.codes.OK, answer.text
    body: Json = answer.json()
    return body


async def execution(client: httpx.AsyncClient, task_id: str = "task-1") -> Json:
    answer = await client.get(f"/executions/{task_id}")
    assert answer.status_code == httpx.codes.OK, answer.text
    body: Json = answer.json()
    return body


async def append(
    client: httpx.AsyncClient, first_line: int, *lines: str, task_id: str = "task-1", **fields: Any
) -> httpx.Response:
    body = {"firstLine": first_line, "lines": lines} | fields
    return await client.post(f"/executions/{task_id}/logs", json=body)


async def events(redis: Redis, channel: Channel = ORG, organization_id: str = ORGANIZATION) -> list[Json]:
    """What the channel's stream holds, oldest first."""
    entries: Any = await redis.xrange(channel_key(organization_id, channel))
    return [json.loads(fields[b"e"]) for _, fields in entries]
