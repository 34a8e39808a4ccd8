"""Clauses AUDIT-*: who did what in an organisation."""

from typing import Any

import httpx
import pytest
from callboard_testkit.native_client import Json
from callboard_testkit.suite import Account


async def read(account: Account, query: str = "") -> httpx.Response:
    answer = await account.get(f"{account.door.auth}/api/audit{query}")
    answer.raise_for_status()
    return answer


async def events(account: Account, query: str = "") -> list[Json]:
    """Newest first."""
    found: list[Json] = (await read(account, query)).json()["events"]
    return found


async def exchange(account: Account, token: str) -> httpx.Response:
    return await account.http.post(f"{account.door.auth}/api/v1/sessions", json={"token": token})


async def rotate(account: Account, token_id: str, **wish: Any) -> Json:
    answer = await account.post(f"{account.door.auth}/api/v1/tokens/{token_id}/rotate", json=wish)
    answer.raise_for_status()
    body: Json = answer.json()
    return body


async def revoke(account: Account, token_id: str) -> httpx.Response:
    return await account.http.delete(f"{account.door.auth}/api/v1/tokens/{token_id}", headers=account.bearer)


@pytest.mark.clause("AUDIT-1")
async def test_the_log_says_who_did_what_to_what_and_when(account: Account) -> None:
    created = await account.api_token("ci")
    revoked = await revoke(account, created["id"])
    newest, oldest = await events(account)
    assert oldest == {
        "id": oldest["id"],
        "at": created["createdAt"],
        "action": "api-token.created",
        "actor": {"kind": "user", "id": account.user["id"], "login": account.login},
        "subject": {"kind": "api-token", "id": created["id"], "name": "ci"},
        "details": {"expiresAt": None},
        "requestId": oldest["requestId"],
    }
    assert (newest["action"], newest["requestId"]) == ("api-token.revoked", revoked.headers["X-Request-Id"])


@pytest.mark.clause("AUDIT-2")
async def test_pages_lead_to_every_event_once(account: Account) -> None:
    for name in ("a", "b", "c"):
        await revoke(account, (await account.api_token(name))["id"])
    names: list[str] = []
    query = "?limit=2&action=api-token.revoked"
    while query:
        answer = await read(account, query)
        names += [event["subject"]["name"] for event in answer.json()["events"]]
        query = answer.links.get("next", {}).get("url", "")
    assert names == ["c", "b", "a"]
    assert len(await events(account)) == 6
    for wrong in ("?limit=0", "?limit=201", "?cursor=0", "?cursor=x", "?action=nonsense"):
        answer = await account.get(f"{account.door.auth}/api/audit{wrong}")
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, wrong


@pytest.mark.clause("AUDIT-3")
async def test_nobody_else_reads_it(account: Account, stranger: Account) -> None:
    created = await account.api_token("ci")
    assert await events(stranger) == []
    url = f"{account.door.auth}/api/audit"
    assert (await account.http.get(url)).status_code == httpx.codes.UNAUTHORIZED
    agent = (await exchange(account, created["token"])).json()["token"]
    answer = await account.http.get(url, headers={"Authorization": f"Bearer {agent}"})
    assert answer.status_code == httpx.codes.FORBIDDEN


@pytest.mark.clause("AUDIT-4")
async def test_the_life_of_a_token_is_told_without_its_secret(account: Account) -> None:
    old = await account.api_token("ci")
    for _ in range(2):
        await exchange(account, old["token"])
    new = await rotate(account, old["id"], overlapSeconds=0)
    for _ in range(2):
        assert (await exchange(account, old["token"])).status_code == httpx.codes.UNAUTHORIZED
    await revoke(account, new["id"])
    told = [(event["action"], event["actor"]["kind"], event["subject"]["id"]) for event in await events(account)]
    assert told[::-1] == [
        ("api-token.created", "user", old["id"]),
        ("api-token.exchanged", "agent", old["id"]),
        ("api-token.rotated", "user", old["id"]),
        ("api-token.refused", "unknown", old["id"]),
        ("api-token.revoked", "user", new["id"]),
    ]
    text = (await read(account)).text
    for token in (old, new):
        assert token["token"].split("_")[-1][:16] not in text
