"""Connections that send once and know which Redis they lead to."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from callboard_servicekit import redis_connection
from callboard_servicekit.redis_connection import connect, run_id
from callboard_testkit.authority import Authority
from callboard_testkit.lossy_proxy import lossy_proxy
from callboard_testkit.redis_server import RedisServer
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError


async def test_a_command_whose_answer_was_lost_is_not_sent_again(each_redis: Redis, each_redis_port: int) -> None:
    async with lossy_proxy(each_redis_port) as proxy:
        client = connect(f"redis://127.0.0.1:{proxy.port}/0")
        proxy.lose_next_answer_to(b"INCR")
        with pytest.raises(RedisConnectionError):
            await client.incr("counter")
        assert proxy.lost == 1
        assert await client.get("counter") == b"1"
        await client.aclose()


async def test_a_connection_knows_the_incarnation_it_leads_to(each_redis: Redis, each_redis_port: int) -> None:
    client = connect(f"redis://127.0.0.1:{each_redis_port}/0")
    async with client.client() as single:
        assert await run_id(single) == (await each_redis.info("server"))["run_id"]
    await client.aclose()


@asynccontextmanager
async def behind_tls(port: int, directory: Path) -> AsyncIterator[str]:
    """The Redis at this port, behind TLS; gives its URL, with the authority to trust."""
    authority = Authority()
    authority.write(directory / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue(directory))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(OSError):
            await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    tls_port = server.sockets[0].getsockname()[1]
    yield f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={directory / 'authority.pem'}"
    server.close()


async def test_a_redis_behind_tls_is_known_as_well(each_redis: Redis, each_redis_port: int, tmp_path: Path) -> None:
    async with behind_tls(each_redis_port, tmp_path) as url:
        client = connect(url)
        async with client.client() as single:
            assert await run_id(single) == (await each_redis.info("server"))["run_id"]
        await client.aclose()


async def test_a_redis_whose_certificate_nobody_signed_is_not_spoken_to(redis_url: str, tmp_path: Path) -> None:
    async with behind_tls(int(redis_url.rsplit(":", 1)[1].split("/", maxsplit=1)[0]), tmp_path) as url:
        client = connect(url.partition("?")[0])
        with pytest.raises(RedisConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.ping()
        await client.aclose()


@pytest.mark.parametrize("url", ["unix:///run/redis.sock", "http://127.0.0.1", "127.0.0.1:6379"])
def test_what_is_no_url_of_a_redis_over_tcp_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="rediss://"):
        connect(url)


async def test_a_connection_does_not_outlive_its_redis(own_redis: RedisServer) -> None:
    client = connect(own_redis.url)
    async with client.client() as single:
        before = await run_id(single)
        own_redis.stop()
        own_redis.start()
        with pytest.raises(RedisError):
            await single.ping()
    async with client.client() as single:
        assert await run_id(single) != before
    await client.aclose()


async def test_a_redis_that_does_not_say_who_it_is_is_none(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    monkeypatch.setattr(redis_connection, "_RUN_ID", re.compile(rb"nobody"))
    client = connect(redis_url)
    with pytest.raises(RedisConnectionError, match="run_id"):
        await client.ping()
    await client.aclose()


async def test_what_redis_fails_is_told_and_a_missing_script_is_no_failure(own_redis: RedisServer) -> None:
    failures: list[Exception] = []
    client = connect(own_redis.url, failures.append)
    with pytest.raises(NoScriptError):
        await client.evalsha("0" * 40, 0)
    assert failures == []
    await client.set("text", "x")
    with pytest.raises(ResponseError):
        await client.incr("text")
    assert [type(error) for error in failures] == [ResponseError]
    own_redis.stop()
    with pytest.raises(RedisConnectionError):
        await client.ping()
    await client.aclose()
    assert len(failures) >= 2


async def test_the_pool_is_bounded_and_a_caller_waits_for_its_turn(
    monkeypatch: pytest.MonkeyPatch, redis: Redis, redis_url: str
) -> None:
    monkeypatch.setattr(redis_connection, "MAX_CONNECTIONS", 3)
    client = connect(redis_url)
    before = (await redis.info("clients"))["connected_clients"]
    assert len(set(await asyncio.gather(*(client.incr("n") for _ in range(50))))) == 50
    assert (await redis.info("clients"))["connected_clients"] <= before + 3
    await client.aclose()


async def test_a_connection_that_the_server_closed_is_not_handed_out_again(redis: Redis, redis_url: str) -> None:
    client = connect(redis_url)
    for _ in range(5):
        await client.ping()
        await redis.client_kill_filter(_type="normal", skipme=True)
        assert await client.ping()
    await client.aclose()
