from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from callboard_auth.tables import ApiTokenRow, MembershipRow
from callboard_auth.tokens.api_token import ApiToken
from callboard_contracts.identity import Role
from callboard_servicekit.app import telemetry_of
from callboard_servicekit.database import Database
from fastapi import FastAPI
from sqlalchemy import select, update

Revoked = Callable[[], Awaitable[list[str]]]


async def test_created_token_shows_its_secret_this_once(ada: httpx.AsyncClient, database: Database) -> None:
    created = await ada.post("/api/v1/tokens", json={"name": " ci "})
    listed = await ada.get("/api/v1/tokens")

    body = created.json()
    assert created.status_code == 201
    assert created.headers["cache-control"] == "no-store"
    assert body["token"].startswith(f"ah_live_{body['id']}_")
    assert {name: body[name] for name in ("name", "expiresAt", "lastUsedAt")} == {
        "name": "ci",
        "expiresAt": None,
        "lastUsedAt": None,
    }
    assert listed.json() == {"tokens": [{name: value for name, value in body.items() if name != "token"}]}
    async with database.read() as unit:
        row = (await unit.scalars(select(ApiTokenRow))).one()
    assert row.secret_hash.startswith("$argon2id$")
    assert body["token"].split("_")[-1][:64] not in row.secret_hash


async def test_exchange_answers_an_agents_session(client: httpx.AsyncClient, api_token: dict[str, str]) -> None:
    answer = await client.post("/api/v1/sessions", json={"token": api_token["token"]})

    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert body["expiresIn"] == 900
    assert body["agent"] == {"id": api_token["agentId"], "name": "ci"}
    assert body["organization"]["name"] == "Engines"
    assert "set-cookie" not in answer.headers


async def test_exchange_takes_the_token_as_a_bearer_token_too(
    client: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    answer = await client.post("/api/v1/sessions", headers={"Authorization": f"Bearer {api_token['token']}"})

    assert answer.status_code == 200
    assert answer.json()["agent"]["id"] == api_token["agentId"]


async def test_use_is_noted_at_most_once_a_minute(
    ada: httpx.AsyncClient, api_token: dict[str, str], skip_time: Callable[[timedelta], None]
) -> None:
    async def used_at() -> str:
        await ada.post("/api/v1/sessions", json={"token": api_token["token"]})
        return str((await ada.get("/api/v1/tokens")).json()["tokens"][0]["lastUsedAt"])

    first = await used_at()
    skip_time(timedelta(seconds=50))
    second = await used_at()
    skip_time(timedelta(seconds=20))
    third = await used_at()

    assert first == second != third


async def test_revoked_token_and_the_sessions_it_was_exchanged_for_are_over(
    ada: httpx.AsyncClient, agent: httpx.AsyncClient, api_token: dict[str, str], revoked: Revoked
) -> None:
    assert (await agent.get("/api/users/me")).status_code == 200

    answer = await ada.delete(f"/api/v1/tokens/{api_token['id']}")

    assert answer.status_code == 204
    assert (await agent.get("/api/users/me")).status_code == 401
    exchange = await ada.post("/api/v1/sessions", json={"token": api_token["token"]})
    assert exchange.status_code == 401
    assert exchange.json()["code"] == "invalid-api-token"
    assert (await ada.get("/api/v1/tokens")).json() == {"tokens": []}
    assert await revoked() == [api_token["id"]]


async def test_second_revocation_succeeds_and_says_nothing_new(
    ada: httpx.AsyncClient, api_token: dict[str, str], revoked: Revoked
) -> None:
    for _ in range(2):
        assert (await ada.delete(f"/api/v1/tokens/{api_token['id']}")).status_code == 204

    assert await revoked() == [api_token["id"]]


async def test_expired_token_is_refused(ada: httpx.AsyncClient, skip_time: Callable[[timedelta], None]) -> None:
    expires_at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    created = await ada.post("/api/v1/tokens", json={"name": "short", "expiresAt": expires_at})

    skip_time(timedelta(minutes=1))

    answer = await ada.post("/api/v1/sessions", json={"token": created.json()["token"]})
    assert answer.status_code == 401


FOREIGN_TEXTS = [
    "nonsense",
    "ah_live_",
    "ah_live_" + "0" * 32 + "_" + "0" * 64 + "00000000",
    ApiToken("0" * 32, "0" * 64).reveal(),
    "x" * 600,
]


async def test_what_is_no_token_of_ours_is_refused(client: httpx.AsyncClient) -> None:
    for text in FOREIGN_TEXTS:
        answer = await client.post("/api/v1/sessions", headers={"Authorization": f"Bearer {text}"})

        assert answer.status_code == 401, text
        assert answer.json()["code"] == "invalid-api-token", text


async def test_right_id_with_another_tokens_secret_is_refused(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    mixed = ApiToken(api_token["id"], ApiToken.new().secret).reveal()

    answer = await ada.post("/api/v1/sessions", json={"token": mixed})

    assert answer.status_code == 401


async def test_what_everybody_sees_of_an_agent_tells_nothing_of_its_token(
    agent: httpx.AsyncClient, client: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    exchanged = await client.post("/api/v1/sessions", json={"token": api_token["token"]})
    shown = (exchanged.json()["agent"], (await agent.get("/api/users/me")).text, (await agent.get("/users/me")).text)

    assert api_token["agentId"] != api_token["id"]
    for answer in shown:
        assert api_token["agentId"] in str(answer)
        assert api_token["id"] not in str(answer)
    stranger = ApiToken(api_token["agentId"], ApiToken.new().secret).reveal()
    assert (await client.post("/api/v1/sessions", json={"token": stranger})).status_code == 401


async def test_whoever_guesses_secrets_is_told_to_come_back_and_the_holder_is_not(
    client: httpx.AsyncClient, agent: httpx.AsyncClient, api_token: dict[str, str], app: FastAPI
) -> None:
    async def guess() -> httpx.Response:
        wrong = ApiToken(api_token["id"], ApiToken.new().secret).reveal()
        return await client.post("/api/v1/sessions", json={"token": wrong})

    hashes, labels = "callboard_auth_hash_seconds_count", {"pool": "api-tokens"}
    registry = telemetry_of(app).registry
    assert {(await guess()).status_code for _ in range(10)} == {401}
    computed = registry.get_sample_value(hashes, labels)

    refused = await guess()
    holder = await client.post("/api/v1/sessions", json={"token": api_token["token"]})

    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert (holder.status_code, (await agent.get("/api/users/me")).status_code) == (200, 200)
    assert registry.get_sample_value(hashes, labels) == computed
    outcome = {"outcome": "too-many-requests"}
    assert registry.get_sample_value("callboard_auth_token_exchanges_total", outcome) == 1


async def test_another_organisation_neither_sees_nor_revokes_a_token(
    ada: httpx.AsyncClient, grace: httpx.AsyncClient, api_token: dict[str, str], revoked: Revoked
) -> None:
    assert (await grace.get("/api/v1/tokens")).json() == {"tokens": []}

    answer = await grace.delete(f"/api/v1/tokens/{api_token['id']}")

    assert answer.status_code == 404
    assert len((await ada.get("/api/v1/tokens")).json()["tokens"]) == 1
    assert await revoked() == []


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 200), (Role.ADMIN, 200), (Role.MEMBER, 403), (Role.VIEWER, 403)]
)
async def test_only_administrators_manage_tokens_by_the_role_they_have_now(
    ada: httpx.AsyncClient, api_token: dict[str, str], database: Database, role: Role, status: int
) -> None:
    async with database.write() as unit:
        await unit.execute(update(MembershipRow).values(role=role))

    listed = await ada.get("/api/v1/tokens")
    created = await ada.post("/api/v1/tokens", json={"name": "another"})
    deleted = await ada.delete(f"/api/v1/tokens/{api_token['id']}")

    assert listed.status_code == status
    assert created.status_code == (201 if status == 200 else 403)
    assert deleted.status_code == (204 if status == 200 else 403)


FORBIDDEN_TO_AGENTS = (
    ("GET", "/api/v1/tokens"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/" + "0" * 32),
    ("POST", "/api/v1/tokens/" + "0" * 32 + "/rotate"),
    ("GET", "/api/audit"),
    ("POST", "/api/logout"),
)


async def test_agent_may_do_nothing_here_but_ask_who_it_is(agent: httpx.AsyncClient) -> None:
    for method, path in FORBIDDEN_TO_AGENTS:
        answer = await agent.request(method, path, json={"name": "mine"} if path.endswith("tokens") else None)

        assert answer.status_code == 403, path
        assert answer.json()["code"] == "agent-not-allowed", path


async def test_agents_own_token_is_not_an_api_token(agent: httpx.AsyncClient) -> None:
    answer = await agent.post("/api/v1/sessions")

    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid-api-token"


ODD_EXPIRIES = [
    "2001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2999-01-01T00:00:00",
    1e300,
    "tomorrow",
]


async def test_expiry_that_makes_no_sense_is_refused(ada: httpx.AsyncClient) -> None:
    for expires_at in ODD_EXPIRIES:
        answer = await ada.post("/api/v1/tokens", json={"name": "odd", "expiresAt": expires_at})

        assert answer.status_code == 422, expires_at


async def test_token_calls_on_a_cookie_need_an_allowed_origin(
    ada: httpx.AsyncClient, api_token: dict[str, str]
) -> None:
    foreign = {"Origin": "https://evil.example"}

    created = await ada.post("/api/v1/tokens", json={"name": "stolen"}, headers=foreign)
    deleted = await ada.delete(f"/api/v1/tokens/{api_token['id']}", headers=foreign)

    assert created.status_code == deleted.status_code == 403
    assert len((await ada.get("/api/v1/tokens")).json()["tokens"]) == 1
