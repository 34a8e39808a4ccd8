"""Presence on two nodes and a real Redis: what witnesses are told, and what they are spared."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from callboard_contracts.channels import GENERAL, PRESENCE, Channel
from callboard_contracts.keys import presence_key
from callboard_social.presence.entry import Present, write_entry
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis

from services.social.tests.unit.presence_witness import ROOMS, make_identity

from .presence_node import TIMES, Node, running_node, sees

KEY = presence_key("org-1", PRESENCE)
ROOM = Channel.room("lobby")


@pytest.fixture
async def one(redis_url: str) -> AsyncIterator[Node]:
    async with running_node("one", redis_url) as node:
        yield node


@pytest.fixture
async def two(redis_url: str) -> AsyncIterator[Node]:
    async with running_node("two", redis_url) as node:
        yield node


async def expiry(redis: Redis, entry: str) -> float:
    """When the entry runs out; 0 when there is none."""
    return await redis.zscore(KEY, entry) or 0.0


async def test_two_nodes_tell_their_members_of_each_others_users(one: Node, two: Node) -> None:
    ada = await one.connect("ada")
    bob = await two.connect("bob")
    await sees(ada, "bob")
    await sees(bob, "ada")
    one.close(ada)
    await sees(bob)
    assert bob.history == [("ada", "online"), ("ada", "offline")]


async def test_a_clean_end_is_told_long_before_the_entry_would_have_run_out(one: Node, two: Node) -> None:
    ada, bob = one.appear("ada"), await two.connect("bob")
    await sees(bob, "ada")
    closed_at = time.monotonic()
    one.close(ada)
    await sees(bob)
    assert time.monotonic() - closed_at < TIMES.life.total_seconds()


async def test_a_member_of_any_dialect_in_no_channel_is_here(one: Node, two: Node) -> None:
    bob = await two.connect("bob")
    one.appear("ada")
    await sees(bob, "ada")


@pytest.mark.clause("PRES-2")
async def test_two_tabs_on_two_nodes_are_one_user_who_leaves_with_the_last(one: Node, two: Node) -> None:
    witness = await two.connect("witness")
    tabs = [one.appear("ada"), one.appear("ada"), two.appear("ada")]
    await sees(witness, "ada")
    one.close(tabs[0])
    one.close(tabs[1])
    one.appear("marker")
    await sees(witness, "ada", "marker")
    two.close(tabs[2])
    await sees(witness, "marker")
    assert [change for change in witness.history if change[0] == "ada"] == [("ada", "online"), ("ada", "offline")]


@pytest.mark.clause("PRES-3")
async def test_who_drops_and_comes_back_on_the_other_node_was_never_gone(one: Node, two: Node, redis: Redis) -> None:
    witness = await two.connect("witness")
    ada = one.appear("ada")
    await sees(witness, "ada")
    one.drop(ada)
    two.appear("ada")
    old = write_entry("one", make_identity("ada"))

    async def has_run_out() -> bool:
        return not await expiry(redis, old)

    await eventually(has_run_out)
    one.appear("marker")
    await sees(witness, "ada", "marker")
    assert witness.history == [("ada", "online"), ("marker", "online")]


@pytest.mark.clause("PRES-3")
async def test_who_drops_and_stays_away_is_gone_after_a_while_and_not_before(one: Node, two: Node) -> None:
    witness = await two.connect("witness")
    ada = one.appear("ada")
    await sees(witness, "ada")
    dropped_at = time.monotonic()
    one.drop(ada)
    await sees(witness)
    assert time.monotonic() - dropped_at >= TIMES.patience.total_seconds()


@pytest.mark.clause("PRES-3")
async def test_when_a_node_dies_without_a_word_its_users_are_gone_in_time(one: Node, two: Node) -> None:
    witness = await two.connect("witness")
    one.appear("ada")
    one.appear("bob")
    await sees(witness, "ada", "bob")
    died_at = time.monotonic()
    await one.die()
    await sees(witness)
    bound = TIMES.life + TIMES.gather
    assert time.monotonic() - died_at < bound.total_seconds() + 1.0  # a busy machine's share
    assert witness.history[2:] in ([("ada", "offline"), ("bob", "offline")], [("bob", "offline"), ("ada", "offline")])


@pytest.mark.clause("PRES-3")
async def test_when_a_node_is_drained_its_users_have_time_to_be_on_another(one: Node, two: Node, redis: Redis) -> None:
    witness = await two.connect("witness")
    moving, leaving = one.appear("moving"), one.appear("leaving")
    await sees(witness, "moving", "leaving")
    parted_at = time.monotonic()
    await one.presence.part()
    seconds, microseconds = await redis.time()
    left = await expiry(redis, write_entry("one", make_identity("leaving"))) - (seconds * 1000 + microseconds / 1000)
    assert 0 < left <= TIMES.patience.total_seconds() * 1000
    for connection in (moving, leaving):
        one.close(connection)
    await one.die()
    two.appear("moving")
    await sees(witness, "moving")
    assert time.monotonic() - parted_at >= TIMES.patience.total_seconds()
    assert [change for change in witness.history if change[0] == "moving"] == [("moving", "online")]


async def test_two_thousand_who_come_within_a_second_are_told_in_few_frames(one: Node, two: Node, redis: Redis) -> None:
    witness = await two.connect("witness")
    users = [f"user-{number}" for number in range(2000)]
    one.appear(users[0])
    await sees(witness, users[0])
    for user_id in users[1:]:
        one.appear(user_id)
    await sees(witness, *users)
    assert len(witness.frames) <= 4
    assert await redis.zcard(KEY) == len(users) + 1


async def test_changes_of_one_moment_after_the_other_are_gathered(one: Node, two: Node) -> None:
    witness = await two.connect("witness")
    started_at = time.monotonic()
    users = [f"user-{number}" for number in range(200)]
    for user_id in users:
        one.appear(user_id)
        await one.presence.who("org-1", PRESENCE)  # gives the nodes their turns in between
    await sees(witness, *users)
    moments = (time.monotonic() - started_at) / TIMES.gather.total_seconds()
    # The first ones may be among its snapshot, of several frames.
    assert len(witness.frames) <= moments + 8


async def test_the_first_change_after_a_quiet_time_is_told_at_once(redis_url: str) -> None:
    times = replace(TIMES, gather=timedelta(hours=1))
    now = 0.0
    async with running_node("one", redis_url, times, clock=lambda: now) as one:
        now += 4000.0
        witness = await one.connect("witness")
        await eventually(lambda: one.is_listed("witness"))
        now += 4000.0
        one.appear("ada")
        await sees(witness, "ada")


async def test_entries_are_renewed_while_their_user_is_here_and_leave_nothing_behind(one: Node, redis: Redis) -> None:
    ada = one.appear("ada")
    entry = write_entry("one", make_identity("ada"))

    async def is_written() -> bool:
        return await expiry(redis, entry) > 0

    await eventually(is_written)
    first_expiry = await expiry(redis, entry)

    async def is_renewed() -> bool:
        return await expiry(redis, entry) > first_expiry

    await eventually(is_renewed)
    one.drop(ada)

    async def is_gone() -> bool:
        return not await redis.exists(KEY)

    await eventually(is_gone)


async def test_when_nothing_is_heard_of_a_change_the_list_is_read_all_the_same(redis: Redis, redis_url: str) -> None:
    ada = write_entry("silent", make_identity("ada"))
    async with running_node("two", redis_url, replace(TIMES, reread=timedelta(milliseconds=400))) as two:
        witness = await two.connect("witness")
        seconds, _ = await redis.time()
        await redis.zadd(KEY, {ada: (seconds + 60) * 1000})
        await sees(witness, "ada")
        await redis.zrem(KEY, ada)
        await sees(witness)


async def test_what_another_release_wrote_is_passed_over(two: Node, redis: Redis) -> None:
    seconds, _ = await redis.time()
    await redis.zadd(KEY, {b"\xff unreadable": (seconds + 60) * 1000})
    two.appear("ada")
    witness = await two.connect("witness")
    await sees(witness, "ada")


async def test_an_organisation_hears_nothing_of_another(one: Node, two: Node) -> None:
    ours, theirs = await one.connect("ada"), await one.connect("eve", org="org-2")
    two.appear("bob")
    two.appear("zoe", org="org-2")
    await sees(ours, "bob")
    await sees(theirs, "zoe")
    assert [user.user_id for user in await two.presence.who("org-2", PRESENCE)] == ["eve", "zoe"]


async def test_a_room_is_told_of_its_own_members_only(one: Node, two: Node) -> None:
    inside = await one.connect("ada", ROOM, dialect=ROOMS)
    two.appear("outside")
    bob = await two.connect("bob", ROOM)
    await sees(inside, "bob")
    everywhere = await one.connect("eve", GENERAL, dialect=ROOMS)
    await sees(everywhere, "ada", "bob", "outside")
    two.hub.leave(bob.member, ROOM)
    await sees(inside)
    assert [user.user_id for user in await one.presence.who("org-1", ROOM)] == ["ada"]
    assert set(everywhere.here) == {"ada", "bob", "outside"}


async def test_everyone_is_listed_once_with_the_login_whatever_the_number_of_sockets(one: Node, two: Node) -> None:
    for node in (one, two):
        node.appear("ada")
        node.appear("ada")
    await eventually(lambda: one.is_listed("ada"))
    assert await two.presence.who("org-1", GENERAL) == [Present("ada", "login of ada")]
