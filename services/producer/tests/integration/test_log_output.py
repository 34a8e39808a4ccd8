from pathlib import Path

import httpx
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.running import declare_revocations_complete
from callboard_testkit.signing import TokenMinter
from redis.asyncio import Redis

from .conftest import MakeSettings
from .producer_process import producer_process
from .producer_under_test import update_body


async def test_no_token_and_no_posted_text_is_in_the_output(
    make_settings: MakeSettings, migrated_sqlite_url: str, own_redis: RedisServer, minter: TokenMinter, tmp_path: Path
) -> None:
    async with Redis.from_url(own_redis.url) as redis:
        await declare_revocations_complete(redis)
    good, expired, cookie = minter.mint(), minter.mint(exp=1), minter.mint(sid="session-2")
    output = tmp_path / "output.log"
    settings = make_settings(migrated_sqlite_url, own_redis.url).model_copy(update={"log_level": "debug"})
    async with (
        producer_process(settings, output) as producer,
        httpx.AsyncClient(base_url=producer.url, timeout=20) as client,
    ):
        for headers in (
            {"Authorization": f"Bearer {good}"},
            {"Authorization": f"Bearer {expired}"},
            {"Cookie": f"auth_token={cookie}", "Origin": "http://localhost:8080"},
        ):
            await client.post("/executions/update", json=update_body(secret="a-posted-secret"), headers=headers)
            await client.get(f"/executions?token={good}", headers=headers)
            log = {"firstLine": 1, "lines": ["a-logged-secret"]}
            await client.post("/executions/task-1/logs", json=log, headers=headers)
        own_redis.stop()
        answer = await client.post(
            "/executions/update", json=update_body(secret="again"), headers={"Authorization": f"Bearer {good}"}
        )
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE

    written = output.read_text()
    assert written.count('"event": "request"') == 10
    for token in (good, expired, cookie):
        for part in token.split("."):
            assert part not in written
    assert "a-posted-secret" not in written
    assert "a-logged-secret" not in written
