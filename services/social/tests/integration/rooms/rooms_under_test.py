"""Running rooms, as their tests see them: calls by different people, and what came into the channels."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from callboard_contracts.channels import GENERAL, Channel
from callboard_contracts.events import EventType
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.keys import channel_key
from callboard_servicekit.app import telemetry_of
from callboard_social.app import create_app
from callboard_social.handoff import HandoffProtocol
from callboard_social.resources import SocialResources, resources_of
from callboard_social.settings import SocialSettings
from callboard_testkit.running import declare_revocations_complete, running
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from redis.asyncio import Redis

ORGANIZATION = "org-1"
PATH = "/api/socials/rooms"
PATIENCE_SECONDS = 20.0

Json = dict[str, Any]


@dataclass(frozen=True)
class RoomsUnderTest:
    url: str
    app: FastAPI
    minter: TokenMinter

    @property
    def node(self) -> SocialResources:
        return resources_of(self.app)

    def client(self, user: str = "ada", **claims: Any) -> httpx.AsyncClient:
        """A member of ``org-1`` unless the claims say otherwise; the user's id is its login."""
        token = self.minter.mint(**({"sub": user, "login": user, "sid": f"session-{user}"} | claims))
        return httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS
        )

    async def failing(self) -> list[str]:
        return await telemetry_of(self.app).failing()

    async def is_ready(self) -> bool:
        return not await self.failing()


@asynccontextmanager
async def running_rooms(
    settings: SocialSettings, minter: TokenMinter, revocations_redis_url: str | None = None
) -> AsyncIterator[RoomsUnderTest]:
    """Serve rooms until the end of the block; they are ready when it begins."""
    app = create_app(settings)
    async with (
        running(app, ws=HandoffProtocol, ws_ping_interval=None) as url,
        Redis.from_url(revocations_redis_url or settings.redis_url) as redis,
    ):
        await declare_revocations_complete(redis)
        rooms = RoomsUnderTest(url, app, minter)
        await eventually(rooms.is_ready)
        yield rooms


def identity(user: str, role: Role = Role.MEMBER, organization_id: str = ORGANIZATION) -> Identity:
    return Identity(
        user_id=user,
        login=user,
        organization_id=organization_id,
        role=role,
        kind=IdentityKind.USER,
        session_id=None,
        issued_at=0,
        expires_at=2**31,
    )


async def create(client: httpx.AsyncClient, room_id: str = "den", **fields: Any) -> Json:
    answer = await client.post(PATH, json={"id": room_id, "name": room_id.title()} | fields)
    assert answer.status_code in {200, 201}, answer.text
    body: Json = answer.json()
    return body


async def give_role(client: httpx.AsyncClient, user: str, role: str, room_id: str = "den") -> httpx.Response:
    return await client.post(f"{PATH}/{room_id}/members", json={"userId": user, "role": role})


async def members(client: httpx.AsyncClient, room_id: str = "den") -> dict[str, str]:
    answer = await client.get(f"{PATH}/{room_id}/members")
    assert answer.status_code == httpx.codes.OK, answer.text
    return {member["userId"]: member["role"] for member in answer.json()["members"]}


async def say(client: httpx.AsyncClient, content: str, room_id: str = "den", **fields: Any) -> httpx.Response:
    return await client.post(f"{PATH}/{room_id}/messages", json={"content": content} | fields)


async def history(client: httpx.AsyncClient, room_id: str = "den", **query: Any) -> list[str]:
    """What was said, newest first."""
    answer = await client.get(f"{PATH}/{room_id}/messages", params=query)
    assert answer.status_code == httpx.codes.OK, answer.text
    return [message["content"] for message in answer.json()["messages"]]


def code_of(answer: httpx.Response) -> str:
    """The code of a problem, which the answer has to be."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return str(problem["code"])


async def events(redis: Redis, channel: Channel, organization_id: str = ORGANIZATION) -> list[Json]:
    """What the channel's stream holds, oldest first."""
    entries: Any = await redis.xrange(channel_key(organization_id, channel))
    return [json.loads(fields[b"e"]) for _, fields in entries]


async def chats(redis: Redis, channel: Channel = GENERAL, organization_id: str = ORGANIZATION) -> list[Json]:
    return [event for event in await events(redis, channel, organization_id) if event["type"] == EventType.CHAT]


async def contents(redis: Redis, channel: Channel = GENERAL) -> list[str]:
    return [event["data"]["content"] for event in await chats(redis, channel)]
