"""Commands that share pipelines: each caller has its own answer, and nothing is ever sent twice."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from callboard_servicekit.redis_connection import connect
from callboard_social.gathered import MAX_COMMANDS, MAX_WAITING, Gathered, Unanswered
from callboard_testkit.lossy_proxy import lossy_proxy
from callboard_testkit.redis_server import RedisServer
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


async def commands_seen(redis: Redis, name: str) -> int:
    stats = await redis.info("commandstats")
    return int(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"])


async def test_callers_of_one_tick_share_a_connection_and_each_gets_its_own_answer(redis: Redis, client: Redis) -> None:
    gathered = Gathered(client)
    await redis.ping()
    before = (await redis.info("stats"))["total_connections_received"]
    names = [f"name-{number}" for number in range(3 * MAX_COMMANDS)]
    assert await asyncio.gather(*(gathered.execute("SET", name, name) for name in names)) == [b"OK"] * len(names)
    answers = await asyncio.gather(*(gathered.execute("GETDEL", name) for name in names))
    assert answers == [name.encode() for name in names]
    assert (await redis.info("stats"))["total_connections_received"] == before + 1


async def test_an_error_is_for_the_caller_whose_command_it_was(redis: Redis, client: Redis) -> None:
    await redis.rpush("list", 1)
    gathered = Gathered(client)
    commands = [("SET", "one", 1), ("GETDEL", "list"), ("GET", "one")]
    outcomes = await asyncio.gather(*(gathered.execute(*command) for command in commands), return_exceptions=True)
    assert outcomes[::2] == [b"OK", b"1"]
    assert isinstance(outcomes[1], ResponseError)


async def test_a_command_whose_answer_was_lost_is_not_sent_again(own_redis: RedisServer) -> None:
    async with lossy_proxy(own_redis.port) as proxy, Redis.from_url(own_redis.url) as redis:
        client = connect(proxy.redis_url)
        gathered = Gathered(client)
        await redis.set("ticket", 1)
        proxy.lose_next_answer_to(b"GETDEL")
        with pytest.raises(Unanswered):
            await gathered.execute("GETDEL", "ticket")
        assert proxy.lost == 1
        assert await commands_seen(redis, "getdel") == 1
        # The next one has a connection of its own.
        assert await gathered.execute("GETDEL", "ticket") is None
        await client.aclose()


async def test_who_was_answered_before_the_connection_broke_has_its_answer(redis: Redis, client: Redis) -> None:
    await redis.mset({"one": 1, "other": 1})
    gathered = Gathered(client)
    commands = [("GETDEL", "one"), ("QUIT",), ("GETDEL", "other")]
    outcomes = await asyncio.gather(*(gathered.execute(*command) for command in commands), return_exceptions=True)
    assert outcomes[:2] == [b"1", b"OK"]
    assert isinstance(outcomes[2], Unanswered)
    assert await gathered.execute("GETDEL", "other") == b"1"


async def test_while_redis_is_away_everybody_is_told_and_when_it_is_back_it_is_asked_again(
    own_redis: RedisServer,
) -> None:
    client = connect(own_redis.url)
    gathered = Gathered(client)
    own_redis.stop()
    outcomes = await asyncio.gather(*(gathered.execute("GET", "x") for _ in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, RedisError) for outcome in outcomes)
    own_redis.start()
    assert await gathered.execute("GET", "x") is None
    await client.aclose()


async def test_a_silent_redis_fails_those_who_wait_behind_too(own_redis: RedisServer) -> None:
    async with Redis.from_url(own_redis.url, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)) as client:
        gathered = Gathered(client)
        await gathered.execute("SET", "x", 1)
        own_redis.freeze()
        calls = MAX_COMMANDS + 1
        # One time-out for all, not one for each pipeline of them.
        async with asyncio.timeout(0.9):
            outcomes = await asyncio.gather(
                *(gathered.execute("GET", "x") for _ in range(calls)), return_exceptions=True
            )
        assert [type(outcome) for outcome in outcomes] == [Unanswered] * calls
        own_redis.thaw()
        assert await gathered.execute("GET", "x") == b"1"


@pytest.mark.parametrize("turns", range(6))
async def test_a_loop_that_stood_still_does_not_make_it_wait_for_ever(own_redis: RedisServer, turns: int) -> None:
    async with Redis.from_url(own_redis.url, socket_timeout=0.2, retry=Retry(NoBackoff(), 0)) as client:
        gathered = Gathered(client)
        await gathered.execute("SET", "x", 1)
        own_redis.freeze()
        call = asyncio.create_task(gathered.execute("GET", "x"))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - as when the machine is suspended: past the time-out
        async with asyncio.timeout(2):
            with pytest.raises(Unanswered):
                await call
            own_redis.thaw()
            assert await gathered.execute("GET", "x") == b"1"


async def test_a_silent_redis_is_one_failure_however_many_waited_for_it(own_redis: RedisServer) -> None:
    failures: list[Exception] = []
    async with connect(f"{own_redis.url}?socket_timeout=0.3", failures.append) as client:
        gathered = Gathered(client)
        await gathered.execute("SET", "x", 1)
        own_redis.freeze()
        await asyncio.gather(*(gathered.execute("GET", "x") for _ in range(20)), return_exceptions=True)
        own_redis.thaw()
    assert [type(failure) for failure in failures] == [RedisTimeoutError]


async def test_a_caller_that_is_gone_takes_nobody_with_it_and_its_command_is_not_sent(
    redis: Redis, client: Redis
) -> None:
    gathered = Gathered(client)
    await redis.config_resetstat()
    leaving = asyncio.create_task(gathered.execute("GETDEL", "ticket"))
    staying = asyncio.create_task(gathered.execute("GET", "x"))
    await asyncio.sleep(0)  # both wait now, and nothing has left
    leaving.cancel()
    assert await staying is None
    assert leaving.cancelled()
    assert await commands_seen(redis, "getdel") == 0
    assert await commands_seen(redis, "get") == 1


async def test_beyond_its_bound_a_caller_is_refused_at_once(client: Redis) -> None:
    gathered = Gathered(client)
    calls = [asyncio.create_task(gathered.execute("GET", "x")) for _ in range(MAX_WAITING + 1)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert outcomes[:-1] == [None] * MAX_WAITING
    assert isinstance(outcomes[-1], Unanswered)
