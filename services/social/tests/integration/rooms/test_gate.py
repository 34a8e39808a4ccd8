"""Who is no longer in a room no longer hears it, on any node, whatever was missed meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from callboard_contracts.channels import GENERAL, Channel
from callboard_contracts.rooms import RoomCreate, RoomMemberSet, RoomRole
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from callboard_servicekit.relay.relay import Relay, RelayUnavailable
from callboard_social.dialects.native import NativeDialect
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.migrations import SCRIPTS
from callboard_social.rooms.clock import utc_now
from callboard_social.rooms.service import Rooms
from callboard_social.tables import MemberRow, RemovalRow
from callboard_testkit.postgres_server import PostgresServer
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from redis.asyncio import Redis
from sqlalchemy import delete, select

from services.social.tests.unit.listener import Listener

from .conftest import MakeSettings
from .rooms_under_test import (
    ORGANIZATION,
    PATH,
    RoomsUnderTest,
    create,
    events,
    give_role,
    identity,
    running_rooms,
    say,
)

DEN = Channel.room("den")
ADA = identity("ada")


async def enter(
    hub: Hub, user: str, *channels: Channel, organization_id: str = ORGANIZATION
) -> tuple[Member, Listener]:
    lane = Listener(f"{user}-{organization_id}")
    member = Member(lane, identity(user, organization_id=organization_id), NativeDialect())
    hub.register(member)
    await hub.join(member, channels or [DEN], lambda _places: None)
    return member, lane


async def forget_member(database: Database, user: str) -> None:
    """A removal that nobody tells."""
    async with database.write() as unit:
        await unit.execute(delete(MemberRow).where(MemberRow.user_id == user))


@pytest.fixture
async def nodes(
    make_settings: MakeSettings, migrated_sqlite_url: str, redis_url: str, minter: TokenMinter
) -> AsyncIterator[tuple[RoomsUnderTest, RoomsUnderTest]]:
    """Two nodes, and a room that ada owns and bob and eve are in."""
    settings = make_settings(migrated_sqlite_url, redis_url)
    async with running_rooms(settings, minter) as one, running_rooms(settings, minter) as two, one.client() as ada:
        await create(ada)
        for user in ("bob", "eve"):
            await give_role(ada, user, "member")
        yield one, two


@pytest.mark.clause("ROOM-8")
async def test_who_is_removed_leaves_the_channel_on_every_node_and_hears_why(
    nodes: tuple[RoomsUnderTest, RoomsUnderTest],
) -> None:
    one, two = nodes
    here, there = await enter(one.node.hub, "bob"), await enter(two.node.hub, "bob", DEN, GENERAL)
    stays, other_lane = await enter(two.node.hub, "eve")
    foreign, _ = await enter(two.node.hub, "bob", organization_id="org-2")
    async with one.client() as ada:
        await ada.delete(f"{PATH}/den/members/bob")
        await eventually(lambda: DEN not in here[0].joined | there[0].joined)
        await say(ada, "among us")
        await eventually(lambda: other_lane.kinds == ["room:member", "chat"])
    assert (here[1].kinds, there[1].kinds) == (["room:member"], ["room:member"])
    assert there[0].joined == {GENERAL}
    assert stays.joined == {DEN}
    # Not a member there either: it is evicted by the look at entering, and not by the removal in another organisation.
    await eventually(lambda: not foreign.joined)


async def test_who_leaves_the_room_leaves_its_channel(nodes: tuple[RoomsUnderTest, RoomsUnderTest]) -> None:
    one, two = nodes
    member, _ = await enter(two.node.hub, "bob")
    async with one.client("bob") as bob:
        await bob.post(f"{PATH}/den/leave")
    await eventually(lambda: not member.joined)


async def test_a_change_of_role_leaves_everybody_in_the_channel(
    nodes: tuple[RoomsUnderTest, RoomsUnderTest],
) -> None:
    one, two = nodes
    member, lane = await enter(two.node.hub, "bob")
    async with one.client() as ada:
        await give_role(ada, "bob", "viewer")
        await eventually(lambda: lane.kinds == ["room:member"])
    assert member.joined == {DEN}


async def test_who_was_removed_on_the_way_in_is_put_out_again(
    nodes: tuple[RoomsUnderTest, RoomsUnderTest], migrated_sqlite_url: str
) -> None:
    database = Database(migrated_sqlite_url)
    await forget_member(database, "bob")
    await database.close()
    member, _ = await enter(nodes[0].node.hub, "bob", DEN, GENERAL)
    stays, _ = await enter(nodes[0].node.hub, "eve")
    await eventually(lambda: member.joined == {GENERAL})
    assert stays.joined == {DEN}


@pytest.mark.clause("ROOM-8")
async def test_a_removal_that_was_missed_with_the_bus_is_made_up_for(
    make_settings: MakeSettings, migrated_sqlite_url: str, own_redis: RedisServer, minter: TokenMinter
) -> None:
    database = Database(migrated_sqlite_url)
    async with (
        running_rooms(make_settings(migrated_sqlite_url, own_redis.url), minter) as social,
        social.client() as ada,
    ):
        await create(ada)
        for user in ("bob", "eve"):
            await give_role(ada, user, "member")
        (removed, _), (stays, _) = await enter(social.node.hub, "bob"), await enter(social.node.hub, "eve")
        own_redis.stop()
        await eventually(lambda: fails(social, "bus"))
        await forget_member(database, "bob")
        assert removed.joined == {DEN}
        own_redis.start()
        await eventually(lambda: not removed.joined)
        assert stays.joined == {DEN}
    await database.close()


async def fails(social: RoomsUnderTest, check: str) -> bool:
    return check in await social.failing()


async def test_while_the_database_is_away_it_is_asked_again_until_it_can_tell(
    make_settings: MakeSettings, own_postgres: PostgresServer, redis_url: str, minter: TokenMinter
) -> None:
    database_url = await own_postgres.create_database()
    await asyncio.to_thread(migrate, database_url, "social", SCRIPTS)
    async with running_rooms(make_settings(database_url, redis_url), minter) as social, social.client() as ada:
        await create(ada)
        own_postgres.stop()
        stranger, _ = await enter(social.node.hub, "mallory")
        owner, _ = await enter(social.node.hub, "ada")
        await eventually(lambda: fails(social, "database"))
        assert stranger.joined == owner.joined == {DEN}
        own_postgres.start()
        await eventually(lambda: not stranger.joined)
        assert owner.joined == {DEN}


async def removals(database: Database) -> list[str]:
    async with database.read() as unit:
        return list(await unit.scalars(select(RemovalRow.user_id)))


async def test_a_removal_that_could_not_be_told_is_told_by_the_same_call(
    make_settings: MakeSettings, migrated_url: str, own_redis: RedisServer, minter: TokenMinter, database: Database
) -> None:
    async with running_rooms(make_settings(migrated_url, own_redis.url), minter) as social, social.client() as ada:
        await create(ada)
        await give_role(ada, "bob", "member")
        own_redis.stop()
        for _ in range(2):
            answer = await ada.delete(f"{PATH}/den/members/bob")
            assert (answer.status_code, answer.json()["code"]) == (
                httpx.codes.SERVICE_UNAVAILABLE,
                "relay-unavailable",
            )
        assert await removals(database) == ["bob"]
        own_redis.start()

        async def is_done() -> bool:
            return (await ada.delete(f"{PATH}/den/members/bob")).status_code == httpx.codes.NO_CONTENT

        await eventually(is_done)
        assert await removals(database) == []
        async with Redis.from_url(own_redis.url) as redis:
            assert (await events(redis, DEN))[-1]["data"] == {"userId": "bob", "role": None}


async def test_a_removal_that_nobody_asks_for_again_is_told_once_redis_is_back(
    make_settings: MakeSettings,
    migrated_sqlite_url: str,
    own_redis: RedisServer,
    minter: TokenMinter,
) -> None:
    database = Database(migrated_sqlite_url)
    async with (
        running_rooms(make_settings(migrated_sqlite_url, own_redis.url), minter) as social,
        social.client() as ada,
    ):
        await create(ada)
        await give_role(ada, "bob", "member")
        own_redis.stop()
        await ada.delete(f"{PATH}/den/members/bob")
        assert await removals(database) == ["bob"]
        own_redis.start()

        async def is_told() -> bool:
            return await removals(database) == []

        await eventually(is_told, patience=30)
        async with Redis.from_url(own_redis.url) as redis:
            assert [event["data"] for event in await events(redis, DEN)] == [{"userId": "bob", "role": None}]
    await database.close()


async def test_what_is_left_to_be_told_is_told_when_it_is_old_and_only_if_it_still_holds(
    migrated_url: str, database: Database, redis_url: str, redis: Redis
) -> None:
    nowhere = Relay("redis://127.0.0.1:9/0", history_length=10, history_age=timedelta(hours=1))
    relay = Relay(redis_url, history_length=10, history_age=timedelta(hours=1))
    rooms = Rooms(database, nowhere)
    await rooms.create(ADA, RoomCreate(id="den", name="Den"))
    for user in ("bob", "eve"):
        with pytest.raises(RelayUnavailable):
            await rooms.set_member(ADA, "den", RoomMemberSet(user_id=user, role=RoomRole.MEMBER))
        with pytest.raises(RelayUnavailable):
            await rooms.remove_member(ADA, "den", user)
    with pytest.raises(RelayUnavailable):
        await rooms.set_member(ADA, "den", RoomMemberSet(user_id="eve", role=RoomRole.VIEWER))
    assert await removals(database) == ["bob"]

    await Rooms(database, relay).upkeep.tell_removals()
    assert await events(redis, DEN) == []
    await Rooms(database, relay, lambda: utc_now() + timedelta(minutes=1)).upkeep.tell_removals()
    assert [event["data"] for event in await events(redis, DEN)] == [{"userId": "bob", "role": None}]
    assert await removals(database) == []
    assert await rooms.members_among(ORGANIZATION, "den", ["bob", "eve"]) == {"eve"}
    for each in (nowhere, relay):
        await each.close()
