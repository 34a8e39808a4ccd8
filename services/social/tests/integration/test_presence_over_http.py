"""Who is here, over HTTP: the caller's own organisation, and rooms for their members only."""

from typing import Any

import httpx
import pytest
from callboard_testkit.social_under_test import SocialUnderTest
from callboard_testkit.waiting import eventually

PRESENCE = "/api/socials/presence"


async def lists(social: SocialUnderTest, path: str, *logins: str, **claims: Any) -> None:
    """Wait until somebody with these claims finds these people listed."""

    async def is_listed() -> bool:
        async with social.http(**claims) as http:
            users = (await http.get(path)).json()["users"]
        return [user["login"] for user in users] == list(logins)

    await eventually(is_listed)


@pytest.mark.clause("PRES-2")
async def test_everyone_of_the_callers_organisation_is_listed_once_and_nobody_else(social: SocialUnderTest) -> None:
    ada: dict[str, Any] = {"sub": "ada", "login": "ada"}
    async with (
        social.client(**ada),
        social.client(**ada),
        social.client(sub="bob", login="bob"),
        social.client(sub="eve", login="eve", org="org-2"),
    ):
        await lists(social, PRESENCE, "ada", "bob", **ada)
        await lists(social, PRESENCE, "eve", sub="eve", org="org-2")
        async with social.http(**ada) as http:
            assert (await http.get(PRESENCE)).headers["Cache-Control"] == "no-store"


@pytest.mark.clause("ROOM-12")
async def test_who_is_in_a_room_is_for_its_members(social: SocialUnderTest) -> None:
    async with social.http(sub="ada", login="ada") as ada, social.client(sub="ada", login="ada") as client:
        made = await ada.post("/api/socials/rooms", json={"id": "lobby", "name": "Lobby"})
        assert made.status_code == httpx.codes.CREATED
        await lists(social, "/api/socials/rooms/lobby/presence", sub="ada")
        assert (await client.ask(type="room:join", room="lobby"))["type"] == "subscribed"
        await lists(social, "/api/socials/rooms/lobby/presence", "ada", sub="ada")
        for caller, room in (("bob", "lobby"), ("ada", "elsewhere")):
            async with social.http(sub=caller) as http:
                answer = await http.get(f"/api/socials/rooms/{room}/presence")
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_name_that_no_room_can_have_is_a_clear_problem(social: SocialUnderTest) -> None:
    async with social.http() as http:
        for name in ("a%7Bb", "x" * 129, "..%2F", "a:b"):
            answer = await http.get(f"/api/socials/rooms/{name}/presence")
            assert answer.status_code in {404, 422}
            assert answer.headers["Content-Type"] == "application/problem+json"


async def test_without_a_credential_nobody_is_listed(social: SocialUnderTest) -> None:
    async with httpx.AsyncClient(base_url=social.url) as http:
        for path in (PRESENCE, "/api/socials/rooms/lobby/presence"):
            assert (await http.get(path)).status_code == httpx.codes.UNAUTHORIZED
