"""Who may bring whom into a room, to which role, and out of it."""

from itertools import product

import httpx
import pytest
from callboard_contracts.channels import Channel
from callboard_contracts.events import EventType
from redis.asyncio import Redis

from .rooms_under_test import PATH, RoomsUnderTest, code_of, create, events, give_role, members

DEN = Channel.room("den")
OK, NO_CONTENT = httpx.codes.OK, httpx.codes.NO_CONTENT
FORBIDDEN, CONFLICT = httpx.codes.FORBIDDEN, httpx.codes.CONFLICT
NOBODY = "nobody"
ROLES = ("owner", "admin", "member", "viewer")


async def told(redis: Redis) -> list[tuple[str, str | None]]:
    """Who the room was told about."""
    found = [event for event in await events(redis, DEN) if event["type"] == EventType.ROOM_MEMBER]
    return [(event["data"]["userId"], event["data"]["role"]) for event in found]


@pytest.fixture
async def den(ada: httpx.AsyncClient) -> httpx.AsyncClient:
    """The client of the owner of a room with two owners, one of each other role, and nobody else."""
    await create(ada)
    for role in ("owner", "admin", "member", "viewer"):
        assert (await give_role(ada, f"the-{role}", role)).status_code == OK
    return ada


MAY_GIVE = {
    "owner": set(ROLES),
    "admin": {"admin", "member", "viewer"},
    "member": set(),
    "viewer": set(),
    NOBODY: set(),
}
"""By the role of who gives: which roles may be given, and whose membership may be changed and ended."""


@pytest.mark.clause("ROOM-10")
@pytest.mark.parametrize("giver", MAY_GIVE)
async def test_roles_are_given_by_owners_and_admins_and_none_above_their_own(
    social: RoomsUnderTest, den: httpx.AsyncClient, giver: str
) -> None:
    async with social.client(f"the-{giver}") as client:
        for role in ROLES:
            answer = await give_role(client, f"new-{role}", role)
            assert answer.status_code == (OK if role in MAY_GIVE[giver] else FORBIDDEN), role
        for before, after in product(ROLES, ROLES):
            await give_role(den, "target", before)
            answer = await give_role(client, "target", after)
            assert answer.status_code == (OK if {before, after} <= MAY_GIVE[giver] else FORBIDDEN), (before, after)
        for role in ROLES:
            await give_role(den, "target", role)
            answer = await client.delete(f"{PATH}/den/members/target")
            assert answer.status_code == (NO_CONTENT if role in MAY_GIVE[giver] else FORBIDDEN), role


@pytest.mark.clause("ROOM-10")
@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_owners_and_admins_of_the_organisation_manage_every_room_and_read_none_that_they_are_not_in(
    social: RoomsUnderTest, den: httpx.AsyncClient, role: str
) -> None:
    async with social.client("chief", role=role) as chief:
        assert len(await members(chief)) == 5
        assert code_of(await chief.get(f"{PATH}/den/messages")) == "forbidden"
        assert (await chief.delete(f"{PATH}/den/members/ada")).status_code == NO_CONTENT
        assert (await give_role(chief, "chief", "owner")).status_code == OK
        assert (await chief.get(f"{PATH}/den/messages")).status_code == OK
        assert code_of(await give_role(chief, "chief", "owner", "nowhere")) == "forbidden"
        assert code_of(await chief.get(f"{PATH}/nowhere/members")) == "forbidden"
        assert code_of(await chief.delete(f"{PATH}/nowhere/members/bob")) == "forbidden"


@pytest.mark.clause("ROOM-10")
async def test_the_last_owner_stays_while_others_are_in(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient, chief: httpx.AsyncClient
) -> None:
    await create(ada)
    await give_role(ada, "bob", "admin")
    for answer in (
        await ada.post(f"{PATH}/den/leave"),
        await ada.delete(f"{PATH}/den/members/ada"),
        await chief.delete(f"{PATH}/den/members/ada"),
        await give_role(ada, "ada", "member"),
    ):
        assert (answer.status_code, code_of(answer)) == (CONFLICT, "last-owner")
    assert await members(ada) == {"ada": "owner", "bob": "admin"}
    await give_role(ada, "bob", "owner")
    assert (await ada.post(f"{PATH}/den/leave")).status_code == NO_CONTENT
    assert (await bob.post(f"{PATH}/den/leave")).status_code == NO_CONTENT
    assert await members(chief) == {}


async def test_the_room_is_told_who_comes_changes_and_goes(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient, redis: Redis
) -> None:
    await create(ada)
    await give_role(ada, "bob", "member")
    await give_role(ada, "bob", "admin")
    await ada.delete(f"{PATH}/den/members/bob")
    await bob.post(f"{PATH}/den/leave")
    await ada.delete(f"{PATH}/den/members/bob")
    assert await told(redis) == [("bob", "member"), ("bob", "admin"), ("bob", None)]


async def test_a_role_that_is_given_again_stays(ada: httpx.AsyncClient) -> None:
    await create(ada)
    answers = [await give_role(ada, "bob", "member") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await members(ada) == {"ada": "owner", "bob": "member"}
