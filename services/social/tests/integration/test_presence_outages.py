"""Redis goes away, loses its data, or its answers are lost: nobody is taken for gone who is here, and all converges."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from callboard_contracts.channels import ORG, PRESENCE
from callboard_contracts.keys import presence_key
from callboard_servicekit.errors import Unavailable
from callboard_social.presence.entry import write_entry
from callboard_testkit.lossy_proxy import lossy_proxy
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

from services.social.tests.unit.presence_witness import make_identity

from .presence_node import TIMES, running_node, sees

LONG = replace(TIMES, life=timedelta(minutes=2), refresh=timedelta(minutes=1))
"""Nothing runs out, and nothing is renewed, while the test looks."""


@asynccontextmanager
async def redis_server(directory: Path, *, keeps_data: bool) -> AsyncIterator[RedisServer]:
    server = RedisServer(directory, append_only=keeps_data)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("keeps_data", [True, False])
async def test_when_redis_restarts_nobody_is_taken_for_gone_and_life_goes_on(
    tmp_path: Path, *, keeps_data: bool
) -> None:
    async with (
        redis_server(tmp_path, keeps_data=keeps_data) as server,
        running_node("one", server.url) as one,
        running_node("two", server.url) as two,
    ):
        witness = await two.connect("witness")
        ada = one.appear("ada")
        await sees(witness, "ada")
        server.stop()
        with pytest.raises(Unavailable):
            await two.presence.who("org-1", PRESENCE)
        one.appear("came meanwhile")
        await eventually(lambda: bool(one.failures))
        server.start()
        await sees(witness, "ada", "came meanwhile")
        one.close(ada)
        await sees(witness, "came meanwhile")
        assert witness.history == [("ada", "online"), ("came meanwhile", "online"), ("ada", "offline")]


async def test_who_leaves_while_redis_is_away_is_gone_when_it_is_back(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path, keeps_data=True) as server,
        running_node("one", server.url, LONG) as one,
        running_node("two", server.url, LONG) as two,
    ):
        witness = await two.connect("witness")
        ada = one.appear("ada")
        one.appear("bob")
        await sees(witness, "ada", "bob")
        server.stop()
        one.close(ada)
        await eventually(lambda: bool(one.failures))
        server.start()
        await sees(witness, "bob")


async def test_another_redis_that_knows_nobody_is_told_who_is_here_before_anybody_is_missed(tmp_path: Path) -> None:
    times = replace(LONG, patience=timedelta(seconds=10))
    async with (
        redis_server(tmp_path, keeps_data=False) as server,
        running_node("one", server.url, times) as one,
        running_node("two", server.url, times) as two,
    ):
        witness = await two.connect("witness")
        await one.connect("ada", ORG)
        await sees(witness, "ada")
        server.stop()
        server.start()
        await eventually(lambda: one.is_listed("ada"))
        await eventually(lambda: two.is_listed("witness"))
        one.appear("marker")
        await sees(witness, "ada", "marker")
        assert witness.history == [("ada", "online"), ("marker", "online")]


async def test_until_other_nodes_had_time_to_write_anew_their_users_are_not_missed(tmp_path: Path) -> None:
    times = replace(LONG, patience=timedelta(minutes=1))
    async with (
        redis_server(tmp_path, keeps_data=False) as server,
        running_node("two", server.url, times) as two,
    ):
        witness = await two.connect("witness")
        async with Redis.from_url(server.url) as redis:
            # The other node is one that takes its time.
            await redis.zadd(presence_key("org-1", PRESENCE), {write_entry("slow", make_identity("ada")): "inf"})
        two.appear("marker")
        await sees(witness, "ada", "marker")
        server.stop()
        server.start()
        two.appear("another marker")
        await sees(witness, "ada", "marker", "another marker")
        assert not await two.is_listed("ada")
        assert witness.history[2:] == [("another marker", "online")]


async def test_a_node_whose_bus_noticed_nothing_knows_another_redis_by_itself(tmp_path: Path, redis_url: str) -> None:
    async with (
        redis_server(tmp_path, keeps_data=False) as server,
        running_node("one", server.url, LONG, bus_url=redis_url) as one,
    ):
        one.appear("ada")
        await eventually(lambda: one.is_listed("ada"))
        server.stop()
        server.start()
        one.appear("bob")
        await eventually(lambda: one.is_listed("bob"))
        await eventually(lambda: one.is_listed("ada"))


@pytest.mark.parametrize("command", [b"TIME", b"ZADD", b"ZRANGE"])
async def test_what_was_asked_is_asked_again_when_its_answer_is_lost(redis_url: str, command: bytes) -> None:
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    async with (
        lossy_proxy(port) as proxy,
        running_node("one", proxy.redis_url, LONG, bus_url=redis_url) as one,
        running_node("two", redis_url, LONG) as two,
    ):
        witness = await one.connect("witness")
        two.appear("ada")
        await sees(witness, "ada")
        proxy.lose_next_answer_to(command)
        if command == b"ZADD":
            one.appear("bob")
        else:
            two.appear("bob")
        await sees(witness, "ada", "bob")
        assert proxy.lost == 1
        assert witness.history == [("ada", "online"), ("bob", "online")]
