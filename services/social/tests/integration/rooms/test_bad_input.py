"""Whatever comes in, the answer is a problem that says so, never a 500."""

import itertools
import json
from typing import Any

import httpx
import pytest
from callboard_testkit.killer_json import BROKEN_DOCUMENTS, KILLERS
from callboard_testkit.signing import TokenMinter

from .conftest import MakeSettings
from .rooms_under_test import PATH, RoomsUnderTest, code_of, create, identity, running_rooms

JSON = {"Content-Type": "application/json"}
BODIES: dict[str, dict[str, Any]] = {
    PATH: {"id": "new", "name": "New", "visibility": "open"},
    f"{PATH}/den/members": {"userId": "bob", "role": "member"},
    f"{PATH}/den/messages": {"content": "hello", "clientId": "c-1"},
}
WRONG_VALUES: list[Any] = [
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "\x7f",
    "\u202e\ufeff",
    "x" * 100_000,
    [],
    {"x": "y"},
    "'; DROP TABLE rooms; --",
]
ROOM_IDS = ("%00", "a%00", "%ed%a0%80", "%27", "a:b", "{x}", "x" * 129, "-", "%20")
USER_IDS = ("%00", "a%0ab", "x" * 129)
QUERIES = ("limit=0", "limit=201", "limit=x", "before=0", "before=-1", "before=x", f"before={2**70}", "limit=1e3")


def assert_refused(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert code_of(answer)
    assert len(answer.content) < 2_000


@pytest.fixture
async def social(make_settings: MakeSettings, migrated_url: str, redis_url: str, minter: TokenMinter) -> Any:
    async with running_rooms(make_settings(migrated_url, redis_url), minter) as rooms, rooms.client() as ada:
        await create(ada)
        yield rooms


@pytest.mark.parametrize("path", BODIES)
async def test_json_that_some_party_cannot_carry_is_refused_in_every_field(ada: httpx.AsyncClient, path: str) -> None:
    for field, killer in itertools.product([*BODIES[path], "further"], KILLERS):
        content = json.dumps(BODIES[path] | {field: "KILLER"}).replace('"KILLER"', killer.value)
        assert_refused(await ada.post(path, content=content, headers=JSON), 400)


@pytest.mark.parametrize("path", BODIES)
async def test_a_wrong_value_in_any_field_is_refused_and_not_repeated(ada: httpx.AsyncClient, path: str) -> None:
    for field, value in itertools.product(BODIES[path], WRONG_VALUES):
        answer = await ada.post(path, json=BODIES[path] | {field: value})
        if not answer.is_success:
            assert_refused(answer, 409, 413, 422)


@pytest.mark.parametrize("path", BODIES)
async def test_a_body_that_is_not_an_object_of_this_form_is_refused(ada: httpx.AsyncClient, path: str) -> None:
    for content in (*BROKEN_DOCUMENTS, b"[]", b'"text"', b"1", b"{}", b"[[]]"):
        assert_refused(await ada.post(path, content=content, headers=JSON), 400, 413, 422)


async def test_an_id_that_no_room_and_no_user_can_have_is_refused(ada: httpx.AsyncClient) -> None:
    for room_id in ROOM_IDS:
        for method, rest in (("GET", "members"), ("GET", "messages"), ("POST", "join"), ("POST", "leave")):
            assert_refused(await ada.request(method, f"{PATH}/{room_id}/{rest}"), 422)
    for user_id in USER_IDS:
        assert_refused(await ada.delete(f"{PATH}/den/members/{user_id}"), 422)


async def test_a_query_that_cannot_be_meant_is_refused(ada: httpx.AsyncClient) -> None:
    for query in QUERIES:
        assert_refused(await ada.get(f"{PATH}/den/messages?{query}"), 422)
    for path in (PATH, f"{PATH}/den/members"):
        for query in ("limit=0", "limit=201", "cursor=%00", "cursor="):
            assert_refused(await ada.get(f"{path}?{query}"), 422)


async def test_nobody_is_anybody_without_a_credential_and_before_the_body_is_read(social: RoomsUnderTest) -> None:
    async with httpx.AsyncClient(base_url=social.url) as client:
        for path in BODIES:
            for answer in (await client.post(path, content=b"{"), await client.get(path)):
                assert_refused(answer, 401)


async def test_an_id_from_a_socket_that_no_room_can_have_is_nobody_s_room(social: RoomsUnderTest) -> None:
    rooms = social.node.rooms
    for room_id in ("", "\x00", "a:b", "x" * 129, "\ud800"):
        assert await rooms.role_in(identity("ada"), room_id) is None
