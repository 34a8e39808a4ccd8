"""The lists in Redis, when a write comes later than it should, or twice."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from callboard_contracts.channels import PRESENCE
from callboard_servicekit.redis_connection import connect
from callboard_social.presence.attendance import Stay, Update
from callboard_social.presence.entry import Scope, write_entry
from callboard_social.presence.register import ENTRIES_PER_COMMAND, Instant, Register
from redis.asyncio import Redis

from services.social.tests.unit.presence_witness import make_identity

SCOPE = Scope("org-1", PRESENCE)
ADA = write_entry("node", make_identity("ada"))
LIFE, PATIENCE = timedelta(minutes=1), timedelta(seconds=15)


@pytest.fixture
async def register(redis_url: str) -> AsyncIterator[Register]:
    client = connect(redis_url)
    yield Register(client, "node", life=LIFE, patience=PATIENCE)
    await client.aclose()


def update(came: str | None = None, left: str | None = None, dropped: str | None = None) -> Update:
    came_, left_, dropped_ = ({entry: Stay(entry)} if entry else {} for entry in (came, left, dropped))
    return Update(SCOPE, came_, left_, dropped_)


def later(now: Instant, duration: timedelta) -> Instant:
    return Instant(now.milliseconds + int(duration.total_seconds() * 1000), now.incarnation)


async def present(register: Register, now: Instant) -> dict[str, str]:
    return (await register.read(now, [SCOPE]))[SCOPE].present


async def test_an_entry_runs_out_after_its_life(register: Register) -> None:
    now = await register.now()
    await register.write(now, [update(came=ADA)], ())
    assert (await register.read(now, [SCOPE]))[SCOPE].seconds_left == LIFE.total_seconds()
    assert await present(register, later(now, LIFE - timedelta(milliseconds=1))) == {"ada": "login of ada"}
    assert await present(register, later(now, LIFE)) == {}
    # A reader has removed it, for all that come later.
    assert await present(register, now) == {}


async def test_who_dropped_has_patience_left_and_never_more_than_there_was(register: Register) -> None:
    now = await register.now()
    await register.write(now, [update(came=ADA)], ())
    await register.write(now, [update(dropped=ADA)], ())
    assert (await register.read(now, [SCOPE]))[SCOPE].seconds_left == PATIENCE.total_seconds()
    await register.write(later(now, timedelta(seconds=10)), [update(dropped=ADA)], ())
    assert (await register.read(now, [SCOPE]))[SCOPE].seconds_left == PATIENCE.total_seconds()


async def test_word_of_a_drop_that_comes_late_brings_nobody_back(register: Register) -> None:
    now = await register.now()
    await register.write(now, [update(dropped=ADA)], ())
    assert await present(register, now) == {}
    await register.write(now, [update(came=ADA)], ())
    long_after = later(now, LIFE + PATIENCE)
    await register.write(long_after, [update(dropped=ADA)], ())
    assert await present(register, long_after) == {}


async def test_every_write_may_be_sent_twice(register: Register) -> None:
    now = await register.now()
    for updates in ([update(came=ADA)], [update(left=ADA)]):
        await register.write(now, updates, [(SCOPE, [ADA])] if updates[0].came else ())
        first = await present(register, now)
        await register.write(now, updates, ())
        assert await present(register, now) == first
    assert await present(register, now) == {}


async def test_more_entries_than_one_command_takes_are_all_written_and_all_removed(
    register: Register, redis: Redis
) -> None:
    now = await register.now()
    users = [f"user-{number}" for number in range(2 * ENTRIES_PER_COMMAND + 1)]
    stays = {user: Stay(write_entry("node", make_identity(user))) for user in users}
    await register.write(now, [Update(SCOPE, came=stays)], ())
    assert set(await present(register, now)) == set(users)
    await register.write(now, [Update(SCOPE, left=stays)], ())
    assert not await redis.exists(SCOPE.key)


async def test_nothing_to_write_costs_no_round_trip_and_changes_nothing(register: Register, redis: Redis) -> None:
    await register.write(await register.now(), [], [])
    assert await redis.dbsize() == 0
