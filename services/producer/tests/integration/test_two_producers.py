"""Two producers, one PostgreSQL, one Redis: repeats, lost replies, and every version once and in order."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from callboard_contracts.channels import ORG
from callboard_contracts.keys import channel_key
from callboard_producer.migrations import SCRIPTS
from callboard_producer.settings import ProducerSettings
from callboard_producer.tables import OutboxRow
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from callboard_testkit.lossy_proxy import lossy_proxy
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from redis.asyncio import Redis
from sqlalchemy import func, select

from .conftest import MakeSettings
from .lean_client import LeanClient, lean_client
from .producer_process import producer_process
from .producer_under_test import ORGANIZATION, Json, events, update_body

EXECUTIONS = 200
POSTS = 23
"""By each of the two workers that report on an execution at the same time: with the repeats 10,000 in all."""
AT_ONCE = 12
REPEATED = 0.1
LOST = 0.03


@dataclass
class Worker:
    """Posts to one of the producers, or to both at once, until each has acknowledged it."""

    name: str
    doors: tuple[LeanClient, LeanClient]
    chance: random.Random
    posted: int = 0
    refused: int = 0

    async def report(self, task_id: str) -> None:
        for step in range(POSTS):
            body = update_body(task_id) | {self.name: step}
            chosen = self.chance.sample(self.doors, 2 if self.chance.random() < REPEATED else 1)
            await asyncio.gather(*(self._post_until_acknowledged(door, body) for door in chosen))

    async def _post_until_acknowledged(self, door: LeanClient, body: Json) -> None:
        while True:
            self.posted += 1
            status, answer = await door.post("/executions/update", body)
            if status == httpx.codes.OK:
                return
            assert answer["code"] == "relay-unavailable"
            self.refused += 1


async def work(urls: tuple[str, str], token: str, tasks: Iterator[str], chance: random.Random) -> tuple[Worker, Worker]:
    """Have two workers report on one execution after another."""
    one, two = urls
    async with (
        lean_client(one, token) as ada_one,
        lean_client(two, token) as ada_two,
        lean_client(one, token) as bob_one,
        lean_client(two, token) as bob_two,
    ):
        ada, bob = Worker("ada", (ada_one, ada_two), chance), Worker("bob", (bob_one, bob_two), chance)
        for task_id in tasks:
            await asyncio.gather(ada.report(task_id), bob.report(task_id))
    return ada, bob


async def rows(url: str, token: str) -> list[Json]:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        answer = await client.get("/executions", params={"limit": EXECUTIONS})
    found: list[Json] = answer.json()
    return found


async def left_in_outbox(database_url: str) -> int:
    database = Database(database_url)
    try:
        async with database.read() as unit:
            return await unit.scalar(select(func.count()).select_from(OutboxRow)) or 0
    finally:
        await database.close()


@pytest.fixture
async def settings(make_settings: MakeSettings, postgres_url: str, redis_url: str) -> ProducerSettings:
    await asyncio.to_thread(migrate, postgres_url, "producer", SCRIPTS)
    return make_settings(postgres_url, redis_url).model_copy(update={"log_level": "error"})


@pytest.mark.timeout(240)
@pytest.mark.clause("EXEC-7")
async def test_the_stream_holds_every_version_once_and_in_order(
    settings: ProducerSettings, redis: Redis, minter: TokenMinter, tmp_path: Path
) -> None:
    await declare_revocations_complete(redis)
    chance, token = random.Random(5), minter.mint()
    async with (
        lossy_proxy(int(settings.redis_url.rpartition(":")[2].partition("/")[0])) as proxy,
        producer_process(settings, tmp_path / "one.log") as one,
        producer_process(settings, tmp_path / "two.log", proxy.redis_url) as two,
    ):
        proxy.loses = lambda request: b"EVALSHA" in request and chance.random() < LOST
        tasks = iter([f"task-{number}" for number in range(EXECUTIONS)])
        pairs = await asyncio.gather(*(work((one.url, two.url), token, tasks, chance) for _ in range(AT_ONCE)))
        stored = await rows(one.url, token)

    told: defaultdict[str, list[Json]] = defaultdict(list)
    for event in await events(redis):
        told[event["data"]["taskId"]].append(event["data"])
    assert len(stored) == EXECUTIONS
    for row in stored:
        assert [data["version"] for data in told[row["taskId"]]] == list(range(1, row["version"] + 1))
        assert told[row["taskId"]][-1] == row
        assert row["version"] >= 2 * POSTS
        assert row["ada"] == row["bob"] == POSTS - 1
    assert await redis.xlen(channel_key(ORGANIZATION, ORG)) == sum(row["version"] for row in stored)
    workers = [worker for pair in pairs for worker in pair]
    assert sum(worker.posted for worker in workers) >= 10_000
    assert sum(worker.refused for worker in workers) >= proxy.lost > 100
    assert await left_in_outbox(settings.database_url) == 0
