"""Whether the Redis that is named can carry the suite."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisError

from callboard_servicekit.configuration.finding import Finding, refusal, warning
from callboard_servicekit.redis_connection import SCHEMES, connect

VARIABLE = "REDIS_URL"
OLDEST_VERSION = (6, 2)
"""The first with GETDEL, which makes a ws-connect token good for one connection only."""
ANSWER_SECONDS = 10.0


def check_redis_url(url: str) -> list[Finding]:
    """Whether it can lead anywhere at all; asks nobody."""
    if not url.startswith(SCHEMES):
        return [refusal(VARIABLE, "begins with redis:// or, for TLS, with rediss://")]
    try:
        parse_url(url)
    except ValueError:
        return [refusal(VARIABLE, "cannot be read; its form is redis://:password@host:port/0")]
    return []


async def check_redis(url: str) -> list[Finding]:
    """Ask Redis what it is and how it is set up; changes nothing. The URL has been checked."""
    client = connect(url)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            told: dict[str, Any] = await client.info()
            return judge(told, await _configured(client, "maxmemory-policy"))
    except (RedisError, OSError, TimeoutError) as error:
        return [refusal(VARIABLE, f"Redis does not answer: {type(error).__name__}: {error}")]
    finally:
        await client.aclose()


def judge(told: Mapping[str, Any], configured_policy: str | None) -> list[Finding]:
    """What to say of a Redis, by its INFO and, where that may be asked, its configuration."""
    return [*_identity(told), *_memory(told, configured_policy), *_kept(told)]


async def _configured(client: Redis, name: str) -> str | None:
    """What CONFIG GET says; None where Redis is somebody else's, who forbids it."""
    try:
        answer: Mapping[Any, Any] = await client.config_get(name)
    except RedisError:
        return None
    values = [value.decode() if isinstance(value, bytes) else str(value) for value in answer.values()]
    return values[0] if values else None


def _identity(told: Mapping[str, Any]) -> Iterator[Finding]:
    version = str(told.get("redis_version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_VERSION:
        yield refusal(VARIABLE, f"Redis {version} is too old: 6.2 or newer is needed")
    if told.get("cluster_enabled"):
        yield refusal(VARIABLE, "is a Redis Cluster, which is not supported")
    if told.get("role", "master") != "master":
        yield refusal(VARIABLE, "is a replica, which takes no writes")


def _memory(told: Mapping[str, Any], configured: str | None) -> Iterator[Finding]:
    policy = configured or told.get("maxmemory_policy")
    if policy is None:
        yield warning(VARIABLE, "does not tell its maxmemory-policy: make sure that it is noeviction")
    elif policy != "noeviction":
        yield refusal(
            VARIABLE,
            f"its maxmemory-policy is {policy}: it would throw away history, tickets and ended sessions when memory is "
            "short; noeviction is needed",
        )


def _kept(told: Mapping[str, Any]) -> Iterator[Finding]:
    if not told.get("aof_enabled"):
        yield warning(
            VARIABLE,
            "appendonly is off: when Redis restarts, what channels remember is lost, and every client fetches its "
            "snapshot anew",
        )
