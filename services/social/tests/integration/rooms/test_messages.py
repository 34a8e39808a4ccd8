"""What is said is stored, told, and found again; sent twice it is said once."""

import asyncio
from datetime import datetime

import httpx
import pytest
from callboard_contracts.channels import GENERAL, Channel
from callboard_contracts.rooms import MAX_MESSAGE_FIELDS_BYTES
from redis.asyncio import Redis

from .rooms_under_test import PATH, RoomsUnderTest, chats, code_of, contents, create, give_role, history, say

DEN = Channel.room("den")
OK, CREATED, FORBIDDEN, CONFLICT = httpx.codes.OK, httpx.codes.CREATED, httpx.codes.FORBIDDEN, httpx.codes.CONFLICT


async def test_a_message_is_answered_told_and_found_in_the_same_words(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient, redis: Redis
) -> None:
    await create(ada)
    await give_role(ada, "bob", "viewer")
    answer = await say(ada, "hello", clientId="c-1", mood={"is": ["fine", None]}, id="forged", userId="eve", at="never")
    assert answer.status_code == CREATED
    message = answer.json()
    assert message == {
        "id": message["id"],
        "sequence": 1,
        "userId": "ada",
        "login": "ada",
        "content": "hello",
        "clientId": "c-1",
        "at": message["at"],
        "mood": {"is": ["fine", None]},
    }
    assert len(message["id"]) == 32
    assert datetime.fromisoformat(message["at"]).tzinfo is not None

    (event,) = await chats(redis, DEN)
    assert event["data"] | {"at": event["at"]} == message
    assert answer.headers["X-Position"] == event["position"]
    assert event["requestId"] == answer.headers["X-Request-Id"]
    assert "origin" not in event
    found = (await bob.get(f"{PATH}/den/messages")).json()
    assert found == {"messages": [message], "nextBefore": None}


@pytest.mark.clause("ROOM-3")
async def test_viewers_of_the_room_and_of_the_organisation_read_only(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient, guest: httpx.AsyncClient
) -> None:
    await create(ada)
    await give_role(ada, "bob", "viewer")
    await give_role(ada, "guest", "owner")
    await say(ada, "hello")
    await say(ada, "hello", "general")
    for client, room_id in ((bob, "den"), (guest, "den"), (guest, "general")):
        answer = await say(client, "no", room_id)
        assert (answer.status_code, code_of(answer)) == (FORBIDDEN, "forbidden")
        assert await history(client, room_id) == ["hello"]


async def test_general_is_there_before_its_first_message(ada: httpx.AsyncClient, redis: Redis) -> None:
    assert await history(ada, "general") == []
    sequences = [(await say(ada, content, "general")).json()["sequence"] for content in ("one", "two")]
    assert sequences == [1, 2]
    assert await contents(redis, GENERAL) == ["one", "two"]


@pytest.mark.clause("ROOM-11")
async def test_history_leads_from_the_newest_into_the_past(ada: httpx.AsyncClient) -> None:
    await create(ada)
    for number in range(1, 8):
        await say(ada, f"message {number}")
    found, before = [], None
    while True:
        query = {"limit": 3} | ({"before": before} if before else {})
        page = (await ada.get(f"{PATH}/den/messages", params=query)).json()
        found.append([message["sequence"] for message in page["messages"]])
        before = page["nextBefore"]
        if before is None:
            break
    assert found == [[7, 6, 5], [4, 3, 2], [1]]
    assert await history(ada, before=2**53 - 1, limit=1) == ["message 7"]
    assert await history(ada, before=1) == []


@pytest.mark.clause("ROOM-11")
async def test_history_tells_the_position_from_which_to_go_on_listening(ada: httpx.AsyncClient, redis: Redis) -> None:
    await create(ada)
    told = await say(ada, "hello")
    page = await ada.get(f"{PATH}/den/messages")
    assert page.headers["X-Position"] == told.headers["X-Position"]


@pytest.mark.clause("ROOM-5")
async def test_the_same_message_again_is_no_second_one(ada: httpx.AsyncClient, redis: Redis) -> None:
    await create(ada)
    first = await say(ada, "hello", clientId="c-1", mood="fine")
    again = await say(ada, "hello", clientId="c-1", mood="worse")
    assert (first.status_code, again.status_code) == (CREATED, OK)
    assert again.json() == first.json()
    assert await contents(redis, DEN) == ["hello"]
    assert (await say(ada, "next")).json()["sequence"] == 2


@pytest.mark.clause("ROOM-5")
async def test_one_client_id_cannot_say_two_things(ada: httpx.AsyncClient) -> None:
    await create(ada)
    await say(ada, "hello", clientId="c-1")
    answer = await say(ada, "other", clientId="c-1")
    assert (answer.status_code, code_of(answer)) == (CONFLICT, "message-conflict")
    assert await history(ada) == ["hello"]


async def test_a_client_id_is_its_user_s_own_and_of_one_room(ada: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    await create(ada)
    await create(ada, "other")
    await give_role(ada, "bob", "member")
    answers = [
        await say(ada, "a", clientId="1"),
        await say(bob, "b", clientId="1"),
        await say(ada, "c", "other", clientId="1"),
    ]
    assert [answer.status_code for answer in answers] == [CREATED] * 3


async def test_without_a_client_id_every_message_is_another(ada: httpx.AsyncClient) -> None:
    await create(ada)
    for body in ({}, {}, {"clientId": ""}, {"clientId": ""}, {"clientId": None}):
        answer = await say(ada, "hello", **body)
        assert answer.status_code == CREATED
        assert "clientId" not in answer.json()
    assert await history(ada) == ["hello"] * 5


async def test_the_same_message_from_many_at_once_is_stored_and_told_once(ada: httpx.AsyncClient, redis: Redis) -> None:
    await create(ada)
    answers = await asyncio.gather(*(say(ada, "hello", clientId="c-1") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [OK] * 7 + [CREATED]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await contents(redis, DEN) == ["hello"]


@pytest.mark.clause("ROOM-4")
async def test_many_at_once_are_told_in_the_order_of_their_sequence(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient, redis: Redis
) -> None:
    await asyncio.gather(*(say(client, str(number), "general") for number in range(20) for client in (ada, bob)))
    told = [event["data"] for event in await chats(redis)]
    assert [data["sequence"] for data in told] == list(range(1, 41))
    assert [data["content"] for data in told] == (await history(ada, "general", limit=100))[::-1]


async def test_fields_are_bounded_as_json(ada: httpx.AsyncClient) -> None:
    await create(ada)
    around = len('{"x":""}')
    assert (await say(ada, "fits", x="é" * ((MAX_MESSAGE_FIELDS_BYTES - around) // 2))).status_code == CREATED
    answer = await say(ada, "too much", x="é" * (MAX_MESSAGE_FIELDS_BYTES // 2))
    assert (answer.status_code, code_of(answer)) == (httpx.codes.REQUEST_ENTITY_TOO_LARGE, "message-fields-too-large")
    assert await history(ada) == ["fits"]


async def test_the_last_word_of_who_was_removed_stays(ada: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    await create(ada)
    await give_role(ada, "bob", "member")
    await say(bob, "bye")
    await ada.delete(f"{PATH}/den/members/bob")
    answer = await say(bob, "one more")
    assert (answer.status_code, code_of(answer)) == (FORBIDDEN, "forbidden")
    assert await history(ada) == ["bye"]


async def test_organisations_do_not_meet_in_rooms_of_the_same_id(
    social: RoomsUnderTest, ada: httpx.AsyncClient, stranger: httpx.AsyncClient, redis: Redis
) -> None:
    await create(ada)
    for room_id in ("den", "general"):
        await say(ada, "ours", room_id, clientId="c-1")
    assert code_of(await stranger.get(f"{PATH}/den/messages")) == "forbidden"
    assert code_of(await stranger.get(f"{PATH}/den/members")) == "forbidden"
    assert code_of(await say(stranger, "theirs")) == "forbidden"
    assert [room["id"] for room in (await stranger.get(PATH)).json()["rooms"]] == ["general"]

    await create(stranger)
    for room_id in ("den", "general"):
        answer = await say(stranger, "theirs", room_id, clientId="c-1")
        assert (answer.status_code, answer.json()["sequence"]) == (CREATED, 1)
        assert (await history(stranger, room_id), await history(ada, room_id)) == (["theirs"], ["ours"])
    for channel in (DEN, GENERAL):
        told = [[event["data"]["content"] for event in await chats(redis, channel, org)] for org in ("org-1", "org-2")]
        assert told == [["ours"], ["theirs"]]
    await stranger.delete(f"{PATH}/den/members/ada")
    assert await history(ada) == ["ours"]
