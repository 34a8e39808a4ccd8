"""`check-config` as it is called, against real servers."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from callboard_servicekit.configuration.database_check import check_database
from callboard_servicekit.configuration.finding import Finding, Severity
from callboard_servicekit.configuration.jwks_check import check_jwks
from callboard_servicekit.configuration.redis_check import check_redis
from callboard_servicekit.configuration.service import DatabaseConfiguration
from callboard_servicekit.migrations import migrate
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.waiting import free_port
from redis.asyncio import Redis

from .migration_scripts import add_revision

SECRET = "a-secret-of-the-tests-0123456789-abcdef"
SERVICE = """
from pathlib import Path

from callboard_servicekit.configuration.service import DatabaseConfiguration, ServiceConfiguration
from callboard_servicekit.settings import Secret, VerifierSettings
from pydantic import Field


class TinySettings(VerifierSettings):
    secret: Secret = Field(alias="TINY_SECRET")
    database_url: str = Field(alias="TINY_DATABASE_URL")


def describe():
    database = DatabaseConfiguration("TINY_DATABASE_URL", Path(SCRIPTS))
    return ServiceConfiguration("tiny", TinySettings, database=database)
"""


def messages(findings: list[Finding], severity: Severity = Severity.REFUSAL) -> list[str]:
    return [finding.message for finding in findings if finding.severity is severity]


async def test_a_redis_that_keeps_what_it_is_given_is_fine(own_redis: RedisServer) -> None:
    assert await check_redis(own_redis.url) == []


async def test_a_redis_that_throws_things_away_is_refused(own_redis: RedisServer) -> None:
    async with Redis.from_url(own_redis.url) as client:
        await client.config_set("maxmemory-policy", "allkeys-lru")
    [refusal] = messages(await check_redis(own_redis.url))
    assert "maxmemory-policy is allkeys-lru" in refusal


async def test_a_redis_that_forbids_to_look_at_its_configuration_tells_its_policy_all_the_same(
    own_redis: RedisServer,
) -> None:
    async with Redis.from_url(own_redis.url) as client:
        await client.config_set("maxmemory-policy", "volatile-ttl")
        await client.acl_setuser(
            "guest", enabled=True, passwords=["+a-password"], categories=["+@all"], commands=["-config"], keys=["*"]
        )
    [refusal] = messages(await check_redis(f"redis://guest:a-password@127.0.0.1:{own_redis.port}/0"))
    assert "volatile-ttl" in refusal


async def test_a_redis_without_a_file_is_a_warning(redis_url: str) -> None:
    findings = await check_redis(redis_url)
    assert messages(findings) == []
    [complaint] = messages(findings, Severity.WARNING)
    assert complaint.startswith("appendonly is off")


async def test_a_redis_that_is_away_frozen_or_closed_to_us_is_refused(own_redis: RedisServer) -> None:
    [away] = messages(await check_redis(f"redis://127.0.0.1:{free_port()}/0"))
    assert away.startswith("Redis does not answer: ConnectionError")
    async with Redis.from_url(own_redis.url) as client:
        await client.config_set("requirepass", "swordfish-swordfish")
    [closed] = messages(await check_redis(f"redis://:wrong-password@127.0.0.1:{own_redis.port}/0"))
    assert closed.startswith("Redis does not answer: AuthenticationError")
    own_redis.freeze()
    [frozen] = messages(await check_redis(own_redis.url))
    assert frozen.startswith("Redis does not answer: Timeout")
    for message in (away, closed, frozen):
        assert "password" not in message.replace("username-password", "")


async def test_a_replica_is_refused(own_redis: RedisServer) -> None:
    async with Redis.from_url(own_redis.url) as client:
        await client.replicaof("127.0.0.1", free_port())
    assert "is a replica, which takes no writes" in messages(await check_redis(own_redis.url))


async def test_published_keys_are_fetched(jwks_url: str) -> None:
    assert await check_jwks(jwks_url) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/jwks.json", "no url", "http://[", "ftp://127.0.0.1/"])
async def test_keys_that_cannot_be_had_are_refused_with_a_hint(url: str) -> None:
    [refusal] = messages(await check_jwks(url))
    assert refusal.startswith("cannot be fetched")
    assert "AUTH_PORT" in refusal


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        ("404 Not Found", "", "answers 404"),
        ("200 OK", "<html>", "answers, but not with a set"),
        ("200 OK", '{"keys": []}', "answers, but not with a set"),
        ("200 OK", '{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}', "answers, but not with a set"),
        ("302 Found", "", "answers 302"),
    ],
)
async def test_what_is_no_key_set_is_refused(status: str, body: str, complaint: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        [refusal] = messages(await check_jwks(f"http://127.0.0.1:{port}/jwks.json"))
    assert refusal.startswith(complaint)


Judge = Callable[[], Awaitable[list[Finding]]]


@pytest.fixture
def judged(database_url: str, scripts: Path) -> Judge:
    """What is said of a database of either kind."""
    return lambda: check_database("test", DatabaseConfiguration("TEST_DATABASE_URL", scripts), database_url)


async def test_a_database_is_good_once_it_is_migrated_and_not_before(
    judged: Judge, database_url: str, scripts: Path
) -> None:
    [refusal] = messages(await judged())
    assert "python -m callboard_test migrate" in refusal
    await asyncio.to_thread(migrate, database_url, "test", scripts)
    assert await judged() == []
    add_revision(scripts, "0004", "0003")
    [refusal] = messages(await judged())
    assert refusal.startswith("the database is at 0003, and 0004 is needed")


async def test_a_database_of_a_newer_release_is_a_warning(judged: Judge, database_url: str, scripts: Path) -> None:
    add_revision(scripts, "0004", "0003")
    await asyncio.to_thread(migrate, database_url, "test", scripts)
    (scripts / "versions" / "0004.py").unlink()
    findings = await judged()
    assert messages(findings) == []
    assert messages(findings, Severity.WARNING) == ["a newer release has migrated this database, to 0004"]


async def test_looking_makes_no_file_and_changes_none(sqlite_url: str, tmp_path: Path, scripts: Path) -> None:
    database = DatabaseConfiguration("TEST_DATABASE_URL", scripts)
    [refusal] = messages(await check_database("test", database, sqlite_url))
    assert refusal.startswith("there is no such file yet")
    file = tmp_path / "test.db"
    assert not file.exists()
    await asyncio.to_thread(migrate, sqlite_url, "test", scripts)
    before = file.read_bytes()
    assert await check_database("test", database, sqlite_url) == []
    assert file.read_bytes() == before


async def test_a_database_that_is_away_or_is_none_is_refused(tmp_path: Path, postgres_url: str, scripts: Path) -> None:
    database = DatabaseConfiguration("TEST_DATABASE_URL", scripts)
    (tmp_path / "text.db").write_text("this is no database, but a text" * 100)
    urls = {
        f"postgresql+asyncpg://ada:swordfish@127.0.0.1:{free_port()}/x": "ConnectionRefusedError",
        postgres_url + "_gone": "InvalidCatalogNameError",
        f"sqlite+aiosqlite:///{tmp_path}/text.db": "DatabaseError",
    }
    for url, reason in urls.items():
        [refusal] = messages(await check_database("test", database, url))
        assert refusal.startswith(f"the database cannot be used: {reason}")
        assert "swordfish" not in refusal


@dataclass(frozen=True)
class Ended:
    code: int | None
    out: str
    err: str


Call = Callable[..., Awaitable[Ended]]


@pytest.fixture
def call(tmp_path: Path, scripts: Path) -> Call:
    """Calls ``python -m callboard_servicekit`` where a service named tiny is installed, and a broken one."""
    place = tmp_path / "installed"
    (place / "tiny-1.0.dist-info").mkdir(parents=True)
    (place / "tiny-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (place / "tiny-1.0.dist-info" / "entry_points.txt").write_text(
        "[callboard.configuration]\ntiny = tiny:describe\nbroken = nowhere:describe\n"
    )
    (place / "tiny.py").write_text(SERVICE.replace("SCRIPTS", repr(str(scripts))))

    async def called(*arguments: str, **variables: str) -> Ended:
        kept = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE", "PATH"))}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "callboard_servicekit", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=kept | {"PYTHONPATH": str(place)} | variables,
        )
        out, err = await process.communicate()
        return Ended(process.returncode, out.decode(), err.decode())

    return called


async def test_the_command_checks_all_that_is_installed_and_says_what_is_broken(
    call: Call, own_redis: RedisServer, jwks_url: str, postgres_url: str, scripts: Path
) -> None:
    await asyncio.to_thread(migrate, postgres_url, "tiny", scripts)
    given = {"REDIS_URL": own_redis.url, "CALLBOARD_JWKS_URL": jwks_url, "TINY_DATABASE_URL": postgres_url}
    ended = await call("check-config", "--format", "json", **given, TINY_SECRET=SECRET)
    report: dict[str, Any] = json.loads(ended.out)
    about_tiny = [finding for finding in report["findings"] if any("TINY" in name for name in finding["settings"])]
    assert about_tiny == []
    assert [finding["message"] for finding in report["findings"] if "broken" in finding["message"]] == [
        "the installed service broken cannot be read: ModuleNotFoundError: No module named 'nowhere'"
    ]
    assert not any(finding["settings"] in (["REDIS_URL"], ["CALLBOARD_JWKS_URL"]) for finding in report["findings"])
    assert (ended.code, report["ok"]) == (1, False)
    assert SECRET not in ended.out + ended.err


async def test_the_command_takes_a_file_replicas_and_no_network(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "its.env"
    file.write_text(f"TINY_SECRET={SECRET}\nTINY_DATABASE_URL=sqlite+aiosqlite:////nowhere/tiny.db\n")
    ended = await call("check-config", "--env-file", str(file), "--replicas", "tiny=2", "--offline")
    assert ended.code == 1
    assert "REFUSED  TINY_DATABASE_URL: is SQLite, which is for one process: 2 replicas of tiny" in ended.out
    assert "skipped  Redis, auth's keys and the databases: not asked (--offline)" in ended.out
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("replicas", ["nobody=2", "tiny", "tiny=0", "tiny=-1", "tiny=²"])
async def test_replicas_that_make_no_sense_are_a_mistake_of_usage(call: Call, replicas: str) -> None:
    ended = await call("check-config", "--offline", "--replicas", replicas)
    assert ended.code == 2
    assert "Usage:" in ended.err


async def test_a_file_that_cannot_be_read_is_said(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "its.env"
    file.write_bytes(b"NAME=\xff\xfe")
    ended = await call("check-config", "--offline", "--env-file", str(file))
    assert ended.code == 1
    assert ended.err == f"Error: {file} cannot be read: UnicodeDecodeError\n"


async def test_the_reference_of_what_is_installed_can_be_printed(call: Call) -> None:
    ended = await call("settings")
    assert ended.code == 0
    assert "| `TINY_SECRET` | **needed** |" in ended.out
