"""A token is replaced: the agent stays, the old token works until the overlap is over."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from callboard_auth.tables import ApiTokenRow, MembershipRow
from callboard_contracts.identity import Role
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.database import Database
from callboard_testkit.redis_server import RedisServer
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from sqlalchemy import update

Skip = Callable[[timedelta], None]
Revoked = Callable[[], Awaitable[list[str]]]


async def rotate(person: httpx.AsyncClient, token_id: str, **wish: Any) -> httpx.Response:
    return await person.post(f"/api/v1/tokens/{token_id}/rotate", json=wish)


async def rotated(person: httpx.AsyncClient, token_id: str, **wish: Any) -> dict[str, Any]:
    answer = await rotate(person, token_id, **wish)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def exchange(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/v1/sessions", json={"token": token})


async def claims_of(client: httpx.AsyncClient, token: str) -> dict[str, Any]:
    answer = await exchange(client, token)
    assert answer.status_code == 200, answer.text
    claims: dict[str, Any] = jwt.decode(answer.json()["token"], options={"verify_signature": False})
    return claims


async def listed(person: httpx.AsyncClient) -> list[dict[str, Any]]:
    tokens: list[dict[str, Any]] = (await person.get("/api/v1/tokens")).json()["tokens"]
    return tokens


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_about(text: str, expected: datetime) -> bool:
    return abs(moment(text) - expected) < timedelta(seconds=30)


def ended(app: FastAPI, reason: str) -> float | None:
    return telemetry_of(app).registry.get_sample_value("callboard_auth_api_tokens_ended_total", {"reason": reason})


async def test_a_new_token_is_shown_this_once_and_says_what_it_replaces(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    answer = await rotate(ada, api_token["id"])

    body = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert body["token"].startswith(f"ah_live_{body['id']}_")
    assert body["id"] != api_token["id"]
    assert (body["name"], body["agentId"]) == ("ci", api_token["agentId"])
    assert (body["expiresAt"], body["lastUsedAt"], body["replacedBy"]) == (None, None, None)
    assert body["replaces"]["id"] == api_token["id"]
    assert is_about(body["replaces"]["expiresAt"], datetime.now(UTC) + timedelta(hours=1))
    assert body["token"] not in (await ada.get("/api/v1/tokens")).text


async def test_a_body_is_not_needed(ada: httpx.AsyncClient, api_token: dict[str, str]) -> None:
    answer = await ada.post(f"/api/v1/tokens/{api_token['id']}/rotate")

    assert answer.status_code == 201


async def test_both_tokens_are_listed_until_the_old_one_has_run_out(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip
) -> None:
    new = await rotated(ada, api_token["id"], overlapSeconds=600)

    first, second = await listed(ada)
    assert (first["id"], first["replacedBy"]) == (api_token["id"], new["id"])
    assert first["expiresAt"] == new["replaces"]["expiresAt"]
    assert (second["id"], second["replacedBy"]) == (new["id"], None)
    skip_time(timedelta(seconds=601))

    async def is_alone() -> bool:
        return [token["id"] for token in await listed(ada)] == [new["id"]]

    await eventually(is_alone)


async def test_both_tokens_work_as_one_agent_until_the_overlap_is_over(
    ada: httpx.AsyncClient, client: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip
) -> None:
    new = await rotated(ada, api_token["id"], overlapSeconds=600)

    for token, session in ((api_token["token"], api_token["id"]), (new["token"], new["id"])):
        claims = await claims_of(client, token)
        assert (claims["sub"], claims["user_id"]) == (api_token["agentId"], api_token["agentId"])
        assert (claims["sid"], claims["login"]) == (session, "ci")
        assert (await exchange(client, token)).json()["agent"] == {"id": api_token["agentId"], "name": "ci"}
    skip_time(timedelta(seconds=601))
    assert (await exchange(client, api_token["token"])).json()["code"] == "invalid-api-token"
    assert (await claims_of(client, new["token"]))["sub"] == api_token["agentId"]


async def test_a_session_of_the_old_token_ends_with_the_overlap(
    ada: httpx.AsyncClient, client: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    new = await rotated(ada, api_token["id"], overlapSeconds=60)

    claims = await claims_of(client, api_token["token"])

    assert claims["exp"] == claims["sessionExp"] == int(moment(new["replaces"]["expiresAt"]).timestamp())


async def test_a_session_from_before_the_rotation_ends_with_the_overlap_too(
    ada: httpx.AsyncClient, agent: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip, revoked: Revoked
) -> None:
    await rotated(ada, api_token["id"], overlapSeconds=60)
    assert (await agent.get("/api/users/me")).status_code == 200

    skip_time(timedelta(seconds=61))

    assert (await agent.get("/api/users/me")).status_code == 401

    async def is_told() -> bool:
        return await revoked() == [api_token["id"]]

    await eventually(is_told)


async def test_the_end_of_an_overlap_is_counted_apart_from_an_expiry(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip, app: FastAPI
) -> None:
    await with_expiry(ada, datetime.now(UTC) + timedelta(minutes=1))
    await rotated(ada, api_token["id"], overlapSeconds=60)

    skip_time(timedelta(seconds=61))

    await eventually(lambda: (ended(app, "rotated"), ended(app, "expired")) == (1, 1))


async def test_without_an_overlap_the_old_token_has_ended_by_the_time_of_the_answer(
    ada: httpx.AsyncClient, agent: httpx.AsyncClient, api_token: dict[str, str], revoked: Revoked, app: FastAPI
) -> None:
    new = await rotated(ada, api_token["id"], overlapSeconds=0)

    assert await revoked() == [api_token["id"]]
    assert (await agent.get("/api/users/me")).status_code == 401
    assert (await exchange(ada, api_token["token"])).status_code == 401
    assert is_about(new["replaces"]["expiresAt"], datetime.now(UTC))
    assert [token["id"] for token in await listed(ada)] == [new["id"]]
    assert (await claims_of(ada, new["token"]))["sub"] == api_token["agentId"]
    assert ended(app, "rotated") == 1


async def test_an_agent_asks_who_it_is_and_hears_the_same_after_a_rotation(
    ada: httpx.AsyncClient, agent: httpx.AsyncClient, client: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    before = (await agent.get("/api/users/me")).json()
    new = await rotated(ada, api_token["id"])
    session = (await exchange(client, new["token"])).json()["token"]

    after = await client.get("/api/users/me", headers={"Authorization": f"Bearer {session}"})
    directus = await client.get("/users/me", headers={"Authorization": f"Bearer {session}"})

    assert after.json() == before
    assert directus.json()["data"]["id"] == api_token["agentId"]


async def test_the_agent_stays_through_rotation_after_rotation(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    second = await rotated(ada, api_token["id"])
    third = await rotated(ada, second["id"])

    assert third["agentId"] == api_token["agentId"]
    assert (await claims_of(ada, third["token"]))["sub"] == api_token["agentId"]
    for token in (api_token, second, third):
        assert (await exchange(ada, token["token"])).status_code == 200


async def test_a_token_that_is_its_own_agent_gets_a_successor_whose_id_nobody_knows(
    ada: httpx.AsyncClient, api_token: dict[str, str], database: Database
) -> None:
    async with database.write() as unit:
        await unit.execute(update(ApiTokenRow).values(agent_id=None))
    assert (await claims_of(ada, api_token["token"]))["sub"] == api_token["id"]

    new = await rotated(ada, api_token["id"])

    assert new["agentId"] == (await claims_of(ada, new["token"]))["sub"] == api_token["id"]
    assert new["id"] != api_token["id"]


async def test_a_revoked_old_token_leaves_its_successor_alone(
    ada: httpx.AsyncClient, agent: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    new = await rotated(ada, api_token["id"])

    assert (await ada.delete(f"/api/v1/tokens/{api_token['id']}")).status_code == 204

    assert (await agent.get("/api/users/me")).status_code == 401
    assert (await exchange(ada, new["token"])).status_code == 200


async def with_expiry(person: httpx.AsyncClient, expires_at: datetime) -> dict[str, Any]:
    wish = {"name": "short", "expiresAt": expires_at.isoformat()}
    created: dict[str, Any] = (await person.post("/api/v1/tokens", json=wish)).json()
    return created


async def test_an_overlap_never_makes_the_old_token_live_longer(ada: httpx.AsyncClient) -> None:
    old = await with_expiry(ada, datetime.now(UTC) + timedelta(minutes=5))

    new = await rotated(ada, old["id"], overlapSeconds=604_800)

    assert new["replaces"]["expiresAt"] == old["expiresAt"]


async def test_the_new_token_expires_when_the_old_one_would_have_unless_told(ada: httpx.AsyncClient) -> None:
    next_year = datetime.now(UTC) + timedelta(days=365)
    old = await with_expiry(ada, datetime.now(UTC) + timedelta(days=30))

    second = await rotated(ada, old["id"])
    third = await rotated(ada, second["id"], expiresAt=next_year.isoformat())
    fourth = await rotated(ada, third["id"], expiresAt=None)

    assert second["expiresAt"] == old["expiresAt"]
    assert is_about(third["expiresAt"], next_year)
    assert fourth["expiresAt"] is None


async def test_of_many_rotations_at_once_one_wins(ada: httpx.AsyncClient, api_token: dict[str, str]) -> None:
    answers = await asyncio.gather(*(rotate(ada, api_token["id"]) for _ in range(6)))

    won = [answer for answer in answers if answer.status_code == 201]
    lost = [answer for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 5)
    for answer in lost:
        problem = answer.json()
        assert (problem["code"], problem["replacedBy"]) == ("api-token-already-rotated", won[0].json()["id"])
    assert len(await listed(ada)) == 2


async def test_of_a_rotation_and_a_revocation_at_once_no_token_is_left_that_nobody_ended(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    rotation, revocation = await asyncio.gather(
        rotate(ada, api_token["id"]), ada.delete(f"/api/v1/tokens/{api_token['id']}")
    )

    assert revocation.status_code == 204
    assert (await exchange(ada, api_token["token"])).status_code == 401
    if rotation.status_code == 201:
        assert [token["id"] for token in await listed(ada)] == [rotation.json()["id"]]
    else:
        assert rotation.json()["code"] == "api-token-over"
        assert await listed(ada) == []


@pytest.mark.parametrize("overlap", [3600, 0])
async def test_whoever_never_got_the_answer_rotates_the_successor(
    ada: httpx.AsyncClient, api_token: dict[str, str], overlap: int
) -> None:
    lost = await rotated(ada, api_token["id"], overlapSeconds=overlap)

    again = await rotate(ada, api_token["id"], overlapSeconds=overlap)
    assert (again.status_code, again.json()["code"]) == (409, "api-token-already-rotated")
    assert lost["token"] not in again.text
    assert (await exchange(ada, api_token["token"])).status_code == (200 if overlap else 401)
    found = await rotated(ada, again.json()["replacedBy"], overlapSeconds=0)

    assert (await exchange(ada, lost["token"])).status_code == 401
    assert (await claims_of(ada, found["token"]))["sub"] == api_token["agentId"]


async def test_a_token_that_is_over_is_not_rotated(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip
) -> None:
    short = await with_expiry(ada, datetime.now(UTC) + timedelta(minutes=1))
    await ada.delete(f"/api/v1/tokens/{api_token['id']}")
    skip_time(timedelta(minutes=2))

    for token_id in (api_token["id"], short["id"]):
        answer = await rotate(ada, token_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "api-token-over")


async def test_a_rotated_token_is_already_rotated_also_when_its_overlap_is_over(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip
) -> None:
    new = await rotated(ada, api_token["id"], overlapSeconds=1)
    skip_time(timedelta(seconds=2))

    answer = await rotate(ada, api_token["id"])

    assert (answer.status_code, answer.json()["replacedBy"]) == (409, new["id"])


async def test_another_organisation_rotates_nothing(
    ada: httpx.AsyncClient, grace: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    for token_id in (api_token["id"], "0" * 32):
        answer = await rotate(grace, token_id)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")

    assert [token["replacedBy"] for token in await listed(ada)] == [None]


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 201), (Role.ADMIN, 201), (Role.MEMBER, 403), (Role.VIEWER, 403)]
)
async def test_only_administrators_rotate(
    ada: httpx.AsyncClient, api_token: dict[str, str], database: Database, role: Role, status: int
) -> None:
    async with database.write() as unit:
        await unit.execute(update(MembershipRow).values(role=role))

    assert (await rotate(ada, api_token["id"])).status_code == status


async def test_no_agent_rotates_not_even_itself(agent: httpx.AsyncClient, api_token: dict[str, str]) -> None:
    answer = await rotate(agent, api_token["id"])

    assert (answer.status_code, answer.json()["code"]) == (403, "agent-not-allowed")


async def test_a_rotation_on_a_cookie_needs_an_allowed_origin(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    path = f"/api/v1/tokens/{api_token['id']}/rotate"

    answer = await ada.post(path, headers={"Origin": "https://evil.example"})

    assert (answer.status_code, answer.json()["code"]) == (403, "origin-refused")


ODD_WISHES: list[dict[str, Any]] = [
    {"overlapSeconds": -1},
    {"overlapSeconds": 604_801},
    {"overlapSeconds": 1.5},
    {"overlapSeconds": True},
    {"overlapSeconds": "60"},
    {"overlapSeconds": "1h"},
    {"overlapSeconds": None},
    {"overlapSeconds": 2**70},
    {"overlap": 60},
    {"expiresAt": "2001-01-01T00:00:00Z"},
    {"expiresAt": "9999-12-31T23:59:59-23:59"},
    {"expiresAt": "tomorrow"},
    {"name": "another"},
]


async def test_a_wish_that_makes_no_sense_is_refused_and_changes_nothing(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    for wish in ODD_WISHES:
        assert (await rotate(ada, api_token["id"], **wish)).status_code == 422, wish

    assert [token["replacedBy"] for token in await listed(ada)] == [None]


async def test_without_redis_a_rotation_that_cannot_be_told_changes_nothing(
    person: httpx.AsyncClient, own_redis: RedisServer
) -> None:
    created = (await person.post("/api/v1/tokens", json={"name": "ci"})).json()
    own_redis.stop()

    refused = await rotate(person, created["id"], overlapSeconds=0)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert (await exchange(person, created["token"])).status_code == 200
    new = await rotated(person, created["id"], overlapSeconds=60)
    assert (await exchange(person, new["token"])).status_code == 200
