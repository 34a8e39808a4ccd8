"""Clauses HTTP-*: what holds for every call. Outages (HTTP-7) are each service's own tests."""

import re

import httpx
import pytest
from callboard_testkit.killer_json import KILLERS
from callboard_testkit.suite import Account, Addresses, Door

PROBLEM = {"type", "title", "status", "detail", "instance", "code", "requestId"}
FOREIGN_ORIGIN = "https://evil.example"


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= PROBLEM
    assert (body["status"], body["code"], body["type"]) == (status, code, f"about:blank#{code}")
    assert body["requestId"]


@pytest.mark.clause("HTTP-1")
async def test_errors_are_problems(account: Account, http: httpx.AsyncClient) -> None:
    door = account.door
    assert_problem(await http.get(f"{door.auth}/api/users/me"), 401, "not-authenticated")
    assert_problem(await http.post(door.connect_token), 401, "not-authenticated")
    assert_problem(await account.get(f"{door.producer}/executions/none"), 404, "execution-not-found")
    assert_problem(
        await account.http.delete(f"{door.producer}/executions", headers=account.bearer), 405, "method-not-allowed"
    )


@pytest.mark.clause("HTTP-2")
async def test_what_is_wrong_with_a_body_is_named_and_never_repeated(account: Account) -> None:
    answer = await account.post(account.door.updates, json={"taskId": "a b", "status": "sw0rdfish"})
    assert_problem(answer, 422, "invalid-request")
    errors = answer.json()["errors"]
    assert {tuple(error["location"]) for error in errors} == {
        ("body", "taskId"),
        ("body", "organizationId"),
        ("body", "status"),
    }
    assert "sw0rdfish" not in answer.text
    assert "a b" not in answer.text


@pytest.mark.clause("HTTP-3")
async def test_json_that_kills_is_refused_everywhere(account: Account) -> None:
    door = account.door
    calls = {
        f"{door.auth}/api/login": '{"login":"x","password":"y","extra":%s}',
        f"{door.auth}/api/signup": '{"login":%s}',
        f"{door.auth}/api/v1/tokens": '{"name":%s}',
        f"{door.auth}/api/v1/sessions": '{"token":%s}',
        door.updates: '{"taskId":"t","organizationId":"o","status":"RUNNING","extra":%s}',
        f"{door.producer}/executions": '{"extra":%s}',
    }
    headers = account.bearer | {"Content-Type": "application/json"}
    for url, template in calls.items():
        if door.name == "gateway" and ("login" in url or "signup" in url):
            continue  # limited by address there
        for killer in KILLERS:
            answer = await account.http.post(url, content=(template % killer.value).encode(), headers=headers)
            assert_problem(answer, 400, "malformed-json")


@pytest.mark.clause("HTTP-3")
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"nonsense", b"{'a': 1}"])
async def test_what_is_not_json_is_refused(account: Account, body: bytes) -> None:
    headers = account.bearer | {"Content-Type": "application/json"}
    answer = await account.http.post(account.door.updates, content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.clause("HTTP-4")
async def test_names_are_camel_case_times_are_utc_and_ids_are_strings(account: Account) -> None:
    await account.update("task-1", "RUNNING", startTime="2026-01-29T11:00:00.123456+01:00")
    row = (await account.get(f"{account.door.producer}/executions/task-1")).json()
    assert row["startTime"] == "2026-01-29T10:00:00.123Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["createdAt"])
    assert isinstance(account.user["id"], str)
    assert all("_" not in name for name in row)


@pytest.mark.clause("HTTP-5")
async def test_every_answer_carries_a_request_id(account: Account) -> None:
    door = account.door
    for url in (f"{door.auth}/api/users/me", f"{door.producer}/executions", f"{door.social}/nothing"):
        answer = await account.get(url)
        assert re.fullmatch(r"[A-Za-z0-9_-]{8,64}", answer.headers["X-Request-Id"])


@pytest.mark.clause("HTTP-5")
async def test_the_gateway_does_not_take_over_a_clients_request_id(account: Account, addresses: Addresses) -> None:
    headers = account.bearer | {"X-Request-Id": "forged-by-the-client"}
    answer = await account.http.get(f"{addresses.gateway}/producer/executions/none", headers=headers)
    assert answer.headers["X-Request-Id"] != "forged-by-the-client"
    assert answer.json()["requestId"] == answer.headers["X-Request-Id"]


@pytest.mark.clause("HTTP-6")
async def test_allowed_origins_may_read_answers_and_errors(account: Account, own_origin: str) -> None:
    for url in (f"{account.door.producer}/executions", f"{account.door.producer}/executions/none"):
        answer = await account.http.get(url, headers=account.bearer | {"Origin": own_origin})
        assert answer.headers["Access-Control-Allow-Origin"] == own_origin
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        answer = await account.http.get(url, headers=account.bearer | {"Origin": FOREIGN_ORIGIN})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.clause("HTTP-6")
async def test_a_preflight_is_answered_for_allowed_origins_only(
    http: httpx.AsyncClient, door: Door, own_origin: str
) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    answer = await http.options(door.updates, headers=asked | {"Origin": own_origin})
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["Access-Control-Allow-Origin"] == own_origin
    answer = await http.options(door.updates, headers=asked | {"Origin": FOREIGN_ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.clause("HTTP-8")
async def test_health_and_metrics_are_inside_only(http: httpx.AsyncClient, addresses: Addresses) -> None:
    internal = (addresses.auth_internal, addresses.social_internal, addresses.producer_internal)
    for base in internal:
        assert (await http.get(f"{base}/livez")).json() == {"status": "alive"}
        assert (await http.get(f"{base}/readyz")).json() == {"status": "ready"}
        assert "callboard_http_requests_total" in (await http.get(f"{base}/metrics")).text
    for name in ("livez", "readyz", "metrics"):
        for prefix in ("", "/auth", "/social", "/producer"):
            assert (await http.get(f"{addresses.gateway}{prefix}/{name}")).status_code == httpx.codes.NOT_FOUND
        for base in (addresses.auth, addresses.social, addresses.producer):
            assert (await http.get(f"{base}/{name}")).status_code == httpx.codes.NOT_FOUND
