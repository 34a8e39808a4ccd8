"""The audit log: what it says of a token's life, who reads it, and for how long."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from callboard_auth.app import create_app
from callboard_auth.audit.event import Actor, Event, Subject
from callboard_auth.audit.repository import AuditRepository
from callboard_auth.settings import AuthSettings
from callboard_auth.tables import ApiTokenRow, AuditEventRow, MembershipRow, OrganizationRow
from callboard_auth.tokens.api_token import ApiToken
from callboard_contracts.accounts import ActorKind, AuditAction
from callboard_contracts.identity import Role
from callboard_servicekit.database import Database
from callboard_testkit.running import running
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from sqlalchemy import func, select, update

Skip = Callable[[timedelta], None]
Json = dict[str, Any]


async def events(person: httpx.AsyncClient, **query: Any) -> list[Json]:
    answer = await person.get("/api/audit", params=query)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["events"]
    return found


async def actions(person: httpx.AsyncClient) -> list[str]:
    """Oldest first."""
    return [event["action"] for event in reversed(await events(person))]


async def exchange(client: httpx.AsyncClient, token: str) -> int:
    return (await client.post("/api/v1/sessions", json={"token": token})).status_code


async def test_the_making_of_a_token_is_told_with_who_and_what_and_when(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    me = (await ada.get("/api/users/me")).json()["user"]
    created = await ada.post("/api/v1/tokens", json={"name": "late", "expiresAt": "2999-01-01T00:00:00Z"})

    late, first = await events(ada)

    assert first == {
        "id": first["id"],
        "at": api_token["createdAt"],
        "action": "api-token.created",
        "actor": {"kind": "user", "id": me["id"], "login": "ada"},
        "subject": {"kind": "api-token", "id": api_token["id"], "name": "ci"},
        "details": {"expiresAt": None},
        "requestId": first["requestId"],
    }
    assert late["details"] == {"expiresAt": "2999-01-01T00:00:00.000Z"}
    assert late["requestId"] == created.headers["x-request-id"] != first["requestId"]


async def test_a_tokens_life_is_told_in_its_order(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip
) -> None:
    await exchange(ada, api_token["token"])
    new = (await ada.post(f"/api/v1/tokens/{api_token['id']}/rotate", json={"overlapSeconds": 60})).json()
    await exchange(ada, new["token"])
    skip_time(timedelta(seconds=61))

    async def has_run_out() -> bool:
        return len(await events(ada)) == 5

    await eventually(has_run_out)
    await ada.delete(f"/api/v1/tokens/{new['id']}")

    told = (await events(ada))[::-1]
    assert [(event["action"], event["subject"]["id"]) for event in told] == [
        ("api-token.created", api_token["id"]),
        ("api-token.exchanged", api_token["id"]),
        ("api-token.rotated", api_token["id"]),
        ("api-token.exchanged", new["id"]),
        ("api-token.expired", api_token["id"]),
        ("api-token.revoked", new["id"]),
    ]
    assert [event["actor"]["kind"] for event in told] == ["user", "agent", "user", "agent", "system", "user"]
    assert told[2]["details"] == {"replacedBy": new["id"], "overlapSeconds": 60, "expiresAt": None}
    assert told[3]["actor"] == {"kind": "agent", "id": api_token["agentId"], "login": "ci"}
    assert told[4]["actor"] == {"kind": "system", "id": None, "login": None}
    assert (told[4]["details"], told[4]["requestId"]) == ({"replacedBy": new["id"]}, None)
    assert told[5]["details"] == {}


async def test_an_event_names_its_subject_as_it_was_then(
    ada: httpx.AsyncClient, api_token: dict[str, str], database: Database
) -> None:
    async with database.write() as unit:
        await unit.execute(update(ApiTokenRow).values(name="renamed"))

    await ada.delete(f"/api/v1/tokens/{api_token['id']}")

    assert [event["subject"]["name"] for event in await events(ada)] == ["renamed", "ci"]


async def test_a_call_that_was_refused_leaves_no_event(ada: httpx.AsyncClient, api_token: dict[str, str]) -> None:
    path = f"/api/v1/tokens/{api_token['id']}"
    await ada.delete(path)
    assert (await ada.delete(path)).status_code == 204
    assert (await ada.post(f"{path}/rotate")).status_code == 409
    past = {"name": "x", "expiresAt": "2001-01-01T00:00:00Z"}
    assert (await ada.post("/api/v1/tokens", json=past)).status_code == 422

    assert await actions(ada) == ["api-token.created", "api-token.revoked"]


async def test_of_many_exchanges_the_first_is_told_once(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip
) -> None:
    assert await asyncio.gather(*(exchange(ada, api_token["token"]) for _ in range(5))) == [200] * 5
    skip_time(timedelta(minutes=2))
    assert await exchange(ada, api_token["token"]) == 200

    assert await actions(ada) == ["api-token.created", "api-token.exchanged"]


async def refusals(person: httpx.AsyncClient) -> list[str]:
    """The reasons, oldest first."""
    told = await events(person, action="api-token.refused")
    assert all(event["actor"] == {"kind": "unknown", "id": None, "login": None} for event in told)
    return [event["details"]["reason"] for event in reversed(told)]


async def test_a_refused_exchange_is_told_with_its_reason(ada: httpx.AsyncClient, skip_time: Skip) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    made = [
        (await ada.post("/api/v1/tokens", json={"name": name} | ({"expiresAt": soon} if name == "expired" else {})))
        for name in ("revoked", "expired", "rotated at once", "rotated")
    ]
    revoked, expired, at_once, rotated = [answer.json() for answer in made]
    await ada.delete(f"/api/v1/tokens/{revoked['id']}")
    await ada.post(f"/api/v1/tokens/{at_once['id']}/rotate", json={"overlapSeconds": 0})
    await ada.post(f"/api/v1/tokens/{rotated['id']}/rotate", json={"overlapSeconds": 30})
    skip_time(timedelta(seconds=31))

    for token in (revoked, expired, at_once, rotated):
        assert await exchange(ada, token["token"]) == 401

    assert await refusals(ada) == ["revoked", "expired", "rotated", "rotated"]


async def test_whoever_knows_an_id_cannot_fill_the_log(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Skip
) -> None:
    async def guess() -> int:
        return await exchange(ada, ApiToken(api_token["id"], ApiToken.new().secret).reveal())

    assert set(await asyncio.gather(*(guess() for _ in range(5)))) == {401}
    assert await refusals(ada) == ["wrong-secret"]
    skip_time(timedelta(minutes=61))
    assert await guess() == 401
    assert await guess() == 401
    assert await refusals(ada) == ["wrong-secret", "wrong-secret"]


async def test_what_is_no_token_of_ours_is_not_told(ada: httpx.AsyncClient) -> None:
    for text in ("nonsense", ApiToken.new().reveal()):
        assert await exchange(ada, text) == 401

    assert await events(ada) == []


async def test_no_event_has_a_secret(ada: httpx.AsyncClient, api_token: dict[str, str]) -> None:
    guessed = ApiToken(api_token["id"], ApiToken.new().secret).reveal()
    await exchange(ada, api_token["token"])
    await exchange(ada, guessed)
    new = (await ada.post(f"/api/v1/tokens/{api_token['id']}/rotate")).json()

    text = (await ada.get("/api/audit")).text

    assert len(await events(ada)) == 4
    for token in (api_token["token"], guessed, new["token"]):
        assert token.split("_")[-1][:16] not in text


async def test_another_organisation_sees_nothing_of_it(
    ada: httpx.AsyncClient, grace: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    await grace.delete(f"/api/v1/tokens/{api_token['id']}")
    await grace.post("/api/v1/tokens", json={"name": "theirs"})

    assert [event["subject"]["name"] for event in await events(ada)] == ["ci"]
    assert [event["subject"]["name"] for event in await events(grace)] == ["theirs"]
    cursor = int((await events(grace))[0]["id"]) + 1
    assert [event["subject"]["name"] for event in await events(grace, cursor=cursor)] == ["theirs"]


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 200), (Role.ADMIN, 200), (Role.MEMBER, 403), (Role.VIEWER, 403)]
)
async def test_only_administrators_read_it(ada: httpx.AsyncClient, database: Database, role: Role, status: int) -> None:
    async with database.write() as unit:
        await unit.execute(update(MembershipRow).values(role=role))

    assert (await ada.get("/api/audit")).status_code == status


async def test_nobody_reads_it_without_a_credential(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/audit")).status_code == 401


async def pages(person: httpx.AsyncClient, query: str) -> list[list[Json]]:
    """Every page, as the links lead from one to the next."""
    found = []
    while True:
        answer = await person.get(f"/api/audit{query}")
        assert answer.headers["cache-control"] == "no-store"
        found.append(answer.json()["events"])
        if "next" not in answer.links:
            return found
        query = answer.links["next"]["url"]


async def test_pages_lead_to_every_event_once_newest_first(ada: httpx.AsyncClient) -> None:
    for number in range(7):
        created = (await ada.post("/api/v1/tokens", json={"name": f"n{number}"})).json()
        if number % 2:
            await ada.delete(f"/api/v1/tokens/{created['id']}")

    for limit, sizes in ((4, [4, 4, 2]), (5, [5, 5]), (10, [10])):
        found = await pages(ada, f"?limit={limit}")
        assert [len(page) for page in found] == sizes
        ids = [int(event["id"]) for page in found for event in page]
        assert all(newer > older for newer, older in pairwise(ids))
    filtered = await pages(ada, "?limit=2&action=api-token.revoked")
    assert [[event["subject"]["name"] for event in page] for page in filtered] == [["n5", "n3"], ["n1"]]
    assert {event["action"] for page in filtered for event in page} == {"api-token.revoked"}


async def test_what_is_written_while_somebody_reads_moves_no_page(ada: httpx.AsyncClient) -> None:
    for number in range(4):
        await ada.post("/api/v1/tokens", json={"name": f"n{number}"})
    first = await ada.get("/api/audit?limit=2")

    await ada.post("/api/v1/tokens", json={"name": "late"})
    second = await ada.get("/api/audit" + first.links["next"]["url"])

    names = [event["subject"]["name"] for answer in (first, second) for event in answer.json()["events"]]
    assert names == ["n3", "n2", "n1", "n0"]


async def count(database: Database) -> int:
    async with database.read() as unit:
        return await unit.scalar(select(func.count()).select_from(AuditEventRow)) or 0


async def test_an_event_is_forgotten_after_its_time(
    ada: httpx.AsyncClient, api_token: dict[str, str], database: Database, skip_time: Skip
) -> None:
    nearly_a_year_ago = datetime.now(UTC) - timedelta(days=365) + timedelta(minutes=30)
    async with database.write() as unit:
        await unit.execute(update(AuditEventRow).values(at=nearly_a_year_ago))
    await ada.post("/api/v1/tokens", json={"name": "young"})
    assert await count(database) == 2

    skip_time(timedelta(hours=1))

    async def is_tidy() -> bool:
        return await count(database) == 1

    await eventually(is_tidy)
    async with database.read() as unit:
        assert (await unit.scalars(select(AuditEventRow.subject_name))).one() == "young"


async def test_much_that_is_old_is_forgotten_in_several_steps(
    make_settings: Callable[..., AuthSettings], database: Database, migrated_url: str, redis_url: str
) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    async with database.write() as unit:
        unit.add(OrganizationRow(id="org-1", name="Engines", created_at=long_ago))
        await unit.flush()
        log = AuditRepository(unit)
        for number in range(450):
            subject = Subject("api-token", str(number), "ci")
            await log.add(Event("org-1", long_ago, AuditAction.API_TOKEN_EXPIRED, Actor(ActorKind.SYSTEM), subject, {}))
    async with database.write() as unit:
        assert await AuditRepository(unit).forget(datetime.now(UTC), 200) == 200
    assert await count(database) == 250

    app: FastAPI = create_app(make_settings(database_url=migrated_url, redis_url=redis_url, audit_retention="1h"))
    async with running(app):

        async def is_empty() -> bool:
            return await count(database) == 0

        await eventually(is_empty)
