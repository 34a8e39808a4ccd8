"""Two replicas, one database, one Redis: repeats, lost replies, and every message once and in order."""

import asyncio
import random
from dataclasses import dataclass

import httpx
import pytest
from callboard_contracts.channels import Channel
from callboard_testkit.lossy_proxy import lossy_proxy
from callboard_testkit.signing import TokenMinter
from redis.asyncio import Redis

from .conftest import MakeSettings
from .rooms_under_test import PATH, chats, code_of, create, give_role, running_rooms, say

SPEAKERS = 6
MESSAGES = 30
REPEATED = 0.2
LOST = 0.15
ROOMS = ("den", "general")


@dataclass
class Speaker:
    """Says things through one of the replicas, or through both at once, until each has acknowledged it."""

    name: str
    doors: tuple[httpx.AsyncClient, httpx.AsyncClient]
    chance: random.Random
    refused: int = 0

    async def speak(self) -> None:
        for number in range(MESSAGES):
            room_id, content = self.chance.choice(ROOMS), f"{self.name} {number}"
            chosen = self.chance.sample(self.doors, 2 if self.chance.random() < REPEATED else 1)
            await asyncio.gather(*(self._say_until_acknowledged(door, content, room_id) for door in chosen))

    async def _say_until_acknowledged(self, door: httpx.AsyncClient, content: str, room_id: str) -> None:
        while True:
            answer = await say(door, content, room_id, clientId=content)
            if answer.is_success:
                return
            assert code_of(answer) == "relay-unavailable"
            self.refused += 1


@pytest.mark.clause("ROOM-4")
@pytest.mark.timeout(120)
async def test_the_stream_holds_every_message_once_and_in_order(
    make_settings: MakeSettings, migrated_url: str, redis_url: str, redis: Redis, minter: TokenMinter
) -> None:
    chance = random.Random(5)
    async with (
        lossy_proxy(int(redis_url.rpartition(":")[2].partition("/")[0])) as proxy,
        running_rooms(make_settings(migrated_url, redis_url), minter) as one,
        running_rooms(make_settings(migrated_url, proxy.redis_url), minter, redis_url) as two,
        one.client("speaker-0") as founder,
    ):
        await create(founder)
        for number in range(1, SPEAKERS):
            await give_role(founder, f"speaker-{number}", "member")
        proxy.loses = lambda request: b"EVALSHA" in request and chance.random() < LOST
        speakers = [
            Speaker(f"speaker-{number}", (one.client(f"speaker-{number}"), two.client(f"speaker-{number}")), chance)
            for number in range(SPEAKERS)
        ]
        await asyncio.gather(*(speaker.speak() for speaker in speakers))
        proxy.loses = lambda _request: False
        stored = {room_id: await everything(founder, room_id) for room_id in ROOMS}
        for speaker in speakers:
            await asyncio.gather(*(door.aclose() for door in speaker.doors))

    assert sum(map(len, stored.values())) == SPEAKERS * MESSAGES
    for room_id, messages in stored.items():
        told = [event["data"] | {"at": event["at"]} for event in await chats(redis, Channel.room(room_id))]
        assert [data["sequence"] for data in told] == list(range(1, len(messages) + 1))
        assert told == messages
    assert sum(speaker.refused for speaker in speakers) >= proxy.lost > 5


async def everything(client: httpx.AsyncClient, room_id: str) -> list[dict[str, object]]:
    """All of the room, oldest first."""
    found: list[dict[str, object]] = []
    query: dict[str, int] = {"limit": 200}
    while True:
        page = (await client.get(f"{PATH}/{room_id}/messages", params=query)).json()
        found += page["messages"]
        if page["nextBefore"] is None:
            return found[::-1]
        query["before"] = page["nextBefore"]
