"""Clauses GATE-*: the one public door. What needs a dead service is in the gateway's own tests."""

import httpx
import pytest
from callboard_testkit.suite import Account, Addresses, new_login, sign_up_body


@pytest.mark.clause("GATE-1")
@pytest.mark.parametrize(
    "path",
    [
        "/auth/openapi.json",
        "/social/docs",
        "/producer/redoc",
        "/auth/../etc/passwd",
        "/auth",
        "/nothing",
        "/auth/nothing",
        "/.env",
        "/.git/config",
        "/producer/executionsx",
    ],
)
async def test_what_is_not_listed_is_not_there(http: httpx.AsyncClient, addresses: Addresses, path: str) -> None:
    answer = await http.get(addresses.gateway + path)
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not-found"


@pytest.mark.clause("GATE-2")
async def test_the_seeds_own_paths_lead_to_the_services(account: Account, addresses: Addresses) -> None:
    base = addresses.gateway
    assert (await account.get(f"{base}/api/users/me")).json()["user"] == account.user
    assert (await account.get(f"{base}/api/v1/tokens")).json() == {"tokens": []}
    assert (await account.post(f"{base}/api/socials/connect-token")).json()["success"] is True
    body = {"taskId": "task-1", "organizationId": account.organization["id"], "status": "RUNNING"}
    assert (await account.post(f"{base}/executions/update", json=body)).json()["status"] == "broadcasted"
    assert [row["taskId"] for row in (await account.get(f"{base}/executions")).json()] == ["task-1"]
    assert (await account.get(f"{base}/executions/task-1")).status_code == httpx.codes.OK
    assert (await account.get(f"{base}/executions/task-1/logs")).status_code == httpx.codes.OK
    assert (await account.post(f"{base}/api/logout")).is_success


@pytest.mark.clause("GATE-3")
async def test_login_and_sign_up_are_limited_by_address_and_nothing_else_is(
    account: Account, addresses: Addresses
) -> None:
    base = addresses.gateway
    for path, body in (
        ("/auth/api/login", {"login": new_login(), "password": "wrong"}),
        ("/api/login", {"login": new_login(), "password": "wrong"}),
        ("/auth/api/signup", sign_up_body(new_login()) | {"password": "short"}),
    ):
        answers = [await account.http.post(base + path, json=body) for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
        assert refused, path
        assert refused[-1].headers["Content-Type"] == "application/problem+json"
        assert int(refused[-1].headers["Retry-After"]) > 0
    for _ in range(60):
        assert (await account.get(f"{base}/auth/api/users/me")).status_code == httpx.codes.OK


@pytest.mark.clause("GATE-4")
async def test_a_body_that_is_too_large_is_refused_by_the_gateway(account: Account, addresses: Addresses) -> None:
    headers = account.bearer | {"Content-Type": "application/json"}
    answer = await account.http.post(
        f"{addresses.gateway}/producer/executions/update", content=b" " * 9_000_000, headers=headers
    )
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert answer.headers["Content-Type"] == "application/problem+json"
