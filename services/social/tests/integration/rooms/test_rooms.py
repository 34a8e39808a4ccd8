"""Rooms are made, seen, joined and left."""

import httpx
import pytest

from .rooms_under_test import PATH, RoomsUnderTest, code_of, create, give_role, members

OK, CREATED, NO_CONTENT = httpx.codes.OK, httpx.codes.CREATED, httpx.codes.NO_CONTENT
FORBIDDEN, CONFLICT = httpx.codes.FORBIDDEN, httpx.codes.CONFLICT


async def listed(client: httpx.AsyncClient) -> dict[str, str | None]:
    answer = await client.get(PATH)
    assert answer.status_code == OK, answer.text
    assert answer.json()["nextCursor"] is None
    return {room["id"]: room["role"] for room in answer.json()["rooms"]}


async def test_a_room_is_owned_by_who_makes_it_and_private(ada: httpx.AsyncClient) -> None:
    answer = await ada.post(PATH, json={"id": "den", "name": "  The den "})
    assert answer.status_code == CREATED
    room = answer.json()
    assert room.pop("createdAt").endswith("Z")
    assert room == {"id": "den", "name": "The den", "visibility": "private", "role": "owner", "createdBy": "ada"}
    assert await members(ada) == {"ada": "owner"}


async def test_a_room_without_an_id_gets_one(ada: httpx.AsyncClient) -> None:
    ids = [(await ada.post(PATH, json={"name": "Den"})).json()["id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert set(await listed(ada)) == {"general", *ids}


async def test_the_same_creation_again_makes_no_second_room(ada: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    first = await create(ada)
    assert (await give_role(ada, "bob", "owner")).status_code == OK
    again = await ada.post(PATH, json={"id": "den", "name": "Den"})
    assert (again.status_code, again.json()) == (OK, first)
    assert await members(ada) == {"ada": "owner", "bob": "owner"}
    for client, body in (
        (bob, {"name": "Den"}),
        (ada, {"name": "Other"}),
        (ada, {"name": "Den", "visibility": "open"}),
    ):
        answer = await client.post(PATH, json={"id": "den"} | body)
        assert (answer.status_code, code_of(answer)) == (CONFLICT, "room-exists")


async def test_viewers_make_no_rooms(guest: httpx.AsyncClient) -> None:
    answer = await guest.post(PATH, json={"name": "Den"})
    assert (answer.status_code, code_of(answer)) == (FORBIDDEN, "forbidden")


@pytest.mark.clause("ROOM-9")
async def test_everybody_is_in_general_by_the_role_in_the_organisation(
    ada: httpx.AsyncClient, chief: httpx.AsyncClient, guest: httpx.AsyncClient
) -> None:
    roles = [(await listed(client))["general"] for client in (chief, ada, guest)]
    assert roles == ["admin", "member", "viewer"]
    joined = await guest.post(f"{PATH}/general/join")
    assert (joined.status_code, joined.json()) == (OK, (await guest.get(PATH)).json()["rooms"][0])
    assert (joined.json()["createdBy"], joined.json()["createdAt"]) == (None, None)


@pytest.mark.clause("ROOM-9")
async def test_general_cannot_be_made_left_or_changed(chief: httpx.AsyncClient) -> None:
    for answer in (
        await chief.post(PATH, json={"id": "general", "name": "Mine"}),
        await chief.post(f"{PATH}/general/leave"),
        await give_role(chief, "ada", "owner", "general"),
        await chief.delete(f"{PATH}/general/members/ada"),
        await chief.get(f"{PATH}/general/members"),
    ):
        assert (answer.status_code, code_of(answer)) == (CONFLICT, "general-room")


async def test_one_sees_one_s_own_rooms_and_the_open_ones(ada: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    await create(ada, "den")
    await create(ada, "forum", visibility="open")
    await create(bob, "cave")
    assert await listed(ada) == {"general": "member", "den": "owner", "forum": "owner"}
    assert await listed(bob) == {"general": "member", "cave": "owner", "forum": None}


async def test_a_role_in_a_room_of_another_organisation_counts_for_nothing(
    social: RoomsUnderTest, ada: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await create(ada, "forum", visibility="open")
    async with social.client("zoe", org="org-2", sid="session-zoe") as zoe:
        await create(zoe, "forum", visibility="open")
    assert await listed(stranger) == {"general": "owner", "forum": None}


@pytest.mark.parametrize("limit", [1, 2, 4, 5])
async def test_the_list_is_paged(ada: httpx.AsyncClient, limit: int) -> None:
    for number in range(4):
        await create(ada, f"room-{number}")
    found, cursor = [], None
    while True:
        page = (await ada.get(PATH, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))).json()
        assert len(page["rooms"]) <= limit
        found += [room["id"] for room in page["rooms"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert found == ["general", *(f"room-{number}" for number in range(4))]


async def test_who_is_in_a_room_is_paged(ada: httpx.AsyncClient) -> None:
    await create(ada)
    for number in range(3):
        await give_role(ada, f"user-{number}", "member")
    first = (await ada.get(f"{PATH}/den/members", params={"limit": 3})).json()
    assert [member["userId"] for member in first["members"]] == ["ada", "user-0", "user-1"]
    rest = (await ada.get(f"{PATH}/den/members", params={"limit": 3, "cursor": first["nextCursor"]})).json()
    assert ([member["userId"] for member in rest["members"]], rest["nextCursor"]) == (["user-2"], None)


async def test_an_open_room_is_joined_and_left_as_often_as_one_likes(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await create(ada, "forum", visibility="open")
    for _ in range(2):
        joined = await bob.post(f"{PATH}/forum/join")
        assert (joined.status_code, joined.json()["role"]) == (OK, "member")
    assert await members(bob, "forum") == {"ada": "owner", "bob": "member"}
    for _ in range(2):
        assert (await bob.post(f"{PATH}/forum/leave")).status_code == NO_CONTENT
    assert await members(ada, "forum") == {"ada": "owner"}


async def test_who_joins_again_keeps_the_role(ada: httpx.AsyncClient) -> None:
    await create(ada)
    assert (await ada.post(f"{PATH}/den/join")).json()["role"] == "owner"


@pytest.mark.clause("ROOM-10")
async def test_a_viewer_of_the_organisation_is_no_more_than_that_anywhere(
    ada: httpx.AsyncClient, guest: httpx.AsyncClient
) -> None:
    await create(ada, "forum", visibility="open")
    assert (await guest.post(f"{PATH}/forum/join")).json()["role"] == "viewer"
    await give_role(ada, "guest", "owner", "forum")
    assert await listed(guest) == {"general": "viewer", "forum": "viewer"}
    assert (await give_role(guest, "bob", "viewer", "forum")).status_code == FORBIDDEN


@pytest.mark.clause("ROOM-7")
async def test_a_room_that_one_is_not_in_answers_like_one_that_does_not_exist(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await create(ada)

    async def answers(room_id: str) -> list[tuple[int, str]]:
        path = f"{PATH}/{room_id}"
        found = [
            await bob.get(f"{path}/messages"),
            await bob.post(f"{path}/messages", json={"content": "hello", "clientId": "1"}),
            await bob.get(f"{path}/members"),
            await give_role(bob, "bob", "member", room_id),
            await give_role(bob, "eve", "viewer", room_id),
            await bob.delete(f"{path}/members/ada"),
            await bob.delete(f"{path}/members/bob"),
            await bob.post(f"{path}/join"),
            await bob.post(f"{path}/leave"),
        ]
        return [
            (answer.status_code, answer.text and f"{code_of(answer)} {answer.json()['detail']}") for answer in found
        ]

    hidden = await answers("den")
    assert hidden == await answers("nowhere")
    assert {status for status, _ in hidden} == {FORBIDDEN, NO_CONTENT}
    assert {text for status, text in hidden if status == FORBIDDEN} == {"forbidden This room is not open to you."}
    assert await members(ada) == {"ada": "owner"}


async def test_agents_are_in_rooms_as_people_are(social: RoomsUnderTest, ada: httpx.AsyncClient) -> None:
    await create(ada)
    await give_role(ada, "agent-7", "member")
    async with social.client("agent-7", kind="agent") as agent:
        assert await listed(agent) == {"general": "member", "den": "member"}
