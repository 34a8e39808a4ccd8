import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from callboard_auth.errors import Overloaded
from callboard_auth.metrics import AuthMetrics, HashingMetrics
from callboard_auth.passwords import PasswordPool
from callboard_auth.settings import AuthSettings
from callboard_servicekit.telemetry import Telemetry


def settings(**overrides: object) -> AuthSettings:
    required: dict[str, object] = {
        "database_url": "sqlite+aiosqlite://",
        "key_passphrase": "correct-horse-battery-staple-0123456789",
    }
    return AuthSettings.model_validate(required | overrides)


def hashing(telemetry: Telemetry) -> HashingMetrics:
    return AuthMetrics(telemetry).hashing("passwords")


@pytest.fixture
async def pool() -> AsyncIterator[PasswordPool]:
    """One worker, two waiters, the real cost."""
    pool = PasswordPool(settings(password_workers=1, password_waiters=2), hashing(Telemetry()))
    await pool.open()
    yield pool
    pool.close()


async def test_hash_is_argon2id_with_the_parameters_of_the_settings(pool: PasswordPool) -> None:
    assert (await pool.hash("secret")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_right_secret_is_told_from_a_wrong_one(pool: PasswordPool) -> None:
    stored = await pool.hash("secret")

    assert (await pool.verify(stored, "secret")).is_right
    assert not (await pool.verify(stored, "Secret")).is_right


async def test_hash_of_other_parameters_is_right_but_due_for_renewal(pool: PasswordPool) -> None:
    cheap = PasswordPool(settings(argon2_memory_kib=8, argon2_time_cost=1), hashing(Telemetry()))
    stored = await cheap.hash("secret")
    cheap.close()

    verdict = await pool.verify(stored, "secret")

    assert verdict.is_right
    assert verdict.needs_rehash
    assert not (await pool.verify(await pool.hash("secret"), "secret")).needs_rehash


@pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"])
async def test_broken_hash_is_a_wrong_secret(pool: PasswordPool, stored: str) -> None:
    assert not (await pool.verify(stored, "secret")).is_right


async def test_nobody_knows_the_password_of_a_subject_that_does_not_exist(pool: PasswordPool) -> None:
    assert not (await pool.verify(None, "decoy")).is_right


async def test_subject_that_does_not_exist_takes_as_long_as_a_wrong_secret(pool: PasswordPool) -> None:
    stored = await pool.hash("secret")

    async def seconds(secret_hash: str | None) -> float:
        started = time.perf_counter()
        await pool.verify(secret_hash, "wrong")
        return time.perf_counter() - started

    wrong = min([await seconds(stored) for _ in range(5)])
    absent = min([await seconds(None) for _ in range(5)])

    assert 0.5 < absent / wrong < 2


async def test_more_than_the_bound_is_refused_at_once_and_the_rest_is_served(pool: PasswordPool) -> None:
    results = await asyncio.gather(*(pool.hash(f"secret {n}") for n in range(5)), return_exceptions=True)

    assert [type(result) for result in results] == [str, str, str, Overloaded, Overloaded]
    assert (await pool.hash("afterwards")).startswith("$argon2id$")


async def test_caller_that_goes_away_frees_its_place_when_the_hash_is_done(pool: PasswordPool) -> None:
    for _ in range(2):
        calls = [asyncio.create_task(pool.hash("secret")) for _ in range(3)]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

        async with asyncio.timeout(10):
            while True:
                try:
                    await pool.hash("secret")
                except Overloaded:
                    await asyncio.sleep(0)
                else:
                    break


async def test_event_loop_goes_on_while_a_hash_is_computed(pool: PasswordPool) -> None:
    hashing = asyncio.create_task(pool.hash("secret"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 10


async def test_hashes_are_counted_until_they_are_done_also_when_nobody_waits_for_them() -> None:
    telemetry = Telemetry()
    pool = PasswordPool(settings(password_workers=1, password_waiters=2), hashing(telemetry))

    def sample(name: str) -> float | None:
        return telemetry.registry.get_sample_value(name, {"pool": "passwords"})

    calls = [asyncio.create_task(pool.hash("secret")) for _ in range(3)]
    await asyncio.sleep(0)
    assert sample("callboard_auth_hashes") == 3
    calls[-1].cancel()
    await asyncio.wait(calls)
    pool.close()
    assert sample("callboard_auth_hashes") == 0
    assert sample("callboard_auth_hash_seconds_count") == 3
