"""What strangers who know a token's id can cost, with the clock as an argument and real hashes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from callboard_auth.errors import Overloaded
from callboard_auth.metrics import AuthMetrics
from callboard_auth.passwords import PasswordPool, Verdict
from callboard_auth.settings import AuthSettings
from callboard_auth.tokens.api_token import ApiToken
from callboard_auth.tokens.repository import StoredApiToken
from callboard_auth.tokens.token_secrets import ApiTokenSecrets
from callboard_servicekit.errors import TooManyRequests
from callboard_servicekit.telemetry import Telemetry

RIGHT = "1" * 64


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Pool(PasswordPool):
    """Can be as good as full: for that, no test need be faster than a hash."""

    is_full = False

    async def verify(self, secret_hash: str | None, secret: str) -> Verdict:
        if self.is_full:
            raise Overloaded(retry_after_seconds=1)
        return await super().verify(secret_hash, secret)


class Desk:
    """Secrets of API tokens, the clock they go by, and a count of hashes. One thread; nobody may wait for it."""

    def __init__(self) -> None:
        self._telemetry = Telemetry()
        settings = AuthSettings.model_validate(
            {
                "database_url": "sqlite+aiosqlite://",
                "key_passphrase": "correct-horse-battery-staple-0123456789",
                "argon2_memory_kib": 8,
                "argon2_time_cost": 1,
                "password_workers": 1,
                "password_waiters": 0,
            }
        )
        self.clock = Clock()
        self.pool = Pool(settings, AuthMetrics(self._telemetry).hashing("api-tokens"))
        self.secrets = ApiTokenSecrets(self.pool, self.clock)

    def hashes(self) -> float:
        labels = {"pool": "api-tokens"}
        return self._telemetry.registry.get_sample_value("callboard_auth_hash_seconds_count", labels) or 0

    async def token(self) -> StoredApiToken:
        """One whose secret is `RIGHT`."""
        return StoredApiToken(
            id=ApiToken.new().id,
            name="ci",
            organization_id="o1",
            organization_name="Engines",
            secret_hash=await self.secrets.hash(RIGHT),
            created_at=datetime.now(UTC),
            expires_at=None,
            last_used_at=None,
            revoked_at=None,
            agent_id="a1",
        )

    async def guess(self, token: StoredApiToken) -> bool | None:
        """Try a made-up secret: None is that it was not even looked at."""
        try:
            return await self.secrets.is_right(token, ApiToken.new().secret)
        except TooManyRequests:
            return None

    async def guess_often(self, token: StoredApiToken) -> None:
        assert [await self.guess(token) for _ in range(10)] == [False] * 10


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    desk.pool.close()


async def test_the_eleventh_wrong_secret_of_a_minute_costs_no_hash_and_is_told_when_to_come_back(desk: Desk) -> None:
    token = await desk.token()
    await desk.guess_often(token)
    desk.clock.now += 20
    before = desk.hashes()

    with pytest.raises(TooManyRequests) as refusal:
        await desk.secrets.is_right(token, ApiToken.new().secret)

    assert 40 <= int(refusal.value.headers["Retry-After"]) <= 41
    assert desk.hashes() == before


async def test_guesses_at_once_are_counted_too_and_take_one_thread(desk: Desk) -> None:
    token = await desk.token()

    answers = await asyncio.gather(*(desk.guess(token) for _ in range(60)))

    assert (answers.count(False), answers.count(None)) == (10, 50)
    assert desk.hashes() == 1 + 10


async def test_a_right_secret_that_was_seen_before_passes_without_a_hash_whatever_others_guess(desk: Desk) -> None:
    token = await desk.token()
    assert await desk.secrets.is_right(token, RIGHT)
    await desk.guess_often(token)
    before = desk.hashes()

    assert await desk.secrets.is_right(token, RIGHT)

    assert await desk.guess(token) is None
    assert desk.hashes() == before


async def test_a_holder_that_was_seen_before_does_not_wait_behind_guesses(desk: Desk) -> None:
    token = await desk.token()
    assert await desk.secrets.is_right(token, RIGHT)
    done: list[bool] = []

    async def try_secret(secret: str) -> None:
        done.append(await desk.secrets.is_right(token, secret))

    await asyncio.gather(*(try_secret(secret) for secret in ("2" * 64, "3" * 64, RIGHT)))

    assert done == [True, False, False]


async def test_a_right_secret_that_was_never_seen_passes_when_the_minute_is_over(desk: Desk) -> None:
    token = await desk.token()
    await desk.guess_often(token)
    with pytest.raises(TooManyRequests):
        await desk.secrets.is_right(token, RIGHT)

    desk.clock.now += 61

    assert await desk.secrets.is_right(token, RIGHT)
    assert await desk.guess(token) is False


async def test_right_secrets_at_once_share_a_hash_and_are_never_too_many(desk: Desk) -> None:
    token = await desk.token()

    assert await asyncio.gather(*(desk.secrets.is_right(token, RIGHT) for _ in range(30))) == [True] * 30

    assert desk.hashes() == 1 + 1


async def test_guesses_at_one_token_leave_others_alone(desk: Desk) -> None:
    token, other = await desk.token(), await desk.token()
    await desk.guess_often(token)

    assert await desk.secrets.is_right(other, RIGHT)
    assert await desk.guess(other) is False


async def test_a_secret_is_forgotten_with_its_hash(desk: Desk) -> None:
    token = await desk.token()
    assert await desk.secrets.is_right(token, RIGHT)

    renewed = replace(token, secret_hash=await desk.secrets.hash("2" * 64))

    assert not await desk.secrets.is_right(renewed, RIGHT)


async def test_a_secret_that_found_no_thread_is_not_counted_as_wrong(desk: Desk) -> None:
    token = await desk.token()
    desk.pool.is_full = True
    for _ in range(10):
        with pytest.raises(Overloaded):
            await desk.secrets.is_right(token, RIGHT)
    desk.pool.is_full = False

    assert await desk.secrets.is_right(token, RIGHT)
