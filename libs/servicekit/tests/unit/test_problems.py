"""Every error leaves as a problem, and none echoes its input."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from callboard_servicekit.problems import MAX_NAMED_ERRORS, StrictJsonRequest, UnhandledErrors
from callboard_servicekit.strict_json import MAX_VALUES
from callboard_testkit.killer_json import BROKEN_DOCUMENTS, KILLERS, Killer
from starlette.types import Receive, Scope, Send

JSON = {"Content-Type": "application/json"}
OWN = {"Origin": "http://localhost:8080"}


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content)
    assert problem["status"] == status
    assert problem["type"] == f"about:blank#{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert problem["requestId"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize("killer", KILLERS, ids=lambda killer: killer.name)
async def test_json_that_kills_is_a_malformed_body(http: httpx.AsyncClient, killer: Killer) -> None:
    answer = await http.post("/strict/any", content=killer.as_member("field"), headers=JSON)
    assert problem_of(answer, 400)["code"] == "malformed-json"


@pytest.mark.parametrize("document", BROKEN_DOCUMENTS[1:], ids=range(1, len(BROKEN_DOCUMENTS)))
@pytest.mark.parametrize("path", ["/strict/any", "/repairing/any"])
async def test_a_body_that_is_no_json_is_a_malformed_body(http: httpx.AsyncClient, path: str, document: bytes) -> None:
    answer = await http.post(path, content=document, headers=JSON)
    assert problem_of(answer, 400)["code"] == "malformed-json"


@pytest.mark.parametrize(
    "killer", [killer for killer in KILLERS if killer.is_repairable], ids=lambda killer: killer.name
)
async def test_a_repairing_route_takes_the_text_of_real_programs(http: httpx.AsyncClient, killer: Killer) -> None:
    answer = await http.post("/repairing/any", content=killer.as_member("field"), headers=JSON)
    assert answer.status_code == 200
    assert "\ufffd" in json.dumps(answer.json(), ensure_ascii=False)


@pytest.mark.parametrize("killer", [killer for killer in KILLERS if not killer.is_repairable], ids=lambda k: k.name)
async def test_a_repairing_route_repairs_text_and_nothing_else(http: httpx.AsyncClient, killer: Killer) -> None:
    answer = await http.post("/repairing/any", content=killer.as_member("field"), headers=JSON)
    assert problem_of(answer, 400)["code"] == "malformed-json"


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (b'{"name":"swordfish-swordfish"}', ["body", "name"]),
        (b'{"name":["swordfish"]}', ["body", "name"]),
        (b'{"name":"a","count":"swordfish"}', ["body", "count"]),
        (b'{"count":1}', ["body", "name"]),
        (b'"swordfish"', ["body"]),
        (b"null", ["body"]),
        (b"", ["body"]),
    ],
)
async def test_a_body_of_the_wrong_form_is_told_where_and_never_shown_again(
    http: httpx.AsyncClient, body: bytes, location: list[str]
) -> None:
    answer = await http.post("/strict/items", content=body, headers=JSON)
    problem = problem_of(answer, 422)
    assert problem["code"] == "invalid-request"
    assert [error["location"] for error in problem["errors"]] == [location]
    assert all(set(error) == {"location", "message"} for error in problem["errors"])
    assert b"swordfish" not in answer.content


async def test_a_body_that_does_not_say_that_it_is_json_is_not_read_as_json(http: httpx.AsyncClient) -> None:
    answer = await http.post("/strict/items", content=b'{"name":"swordfish"}', headers={"Content-Type": "text/plain"})
    assert problem_of(answer, 422)["code"] == "invalid-request"
    assert b"swordfish" not in answer.content


async def test_a_path_of_the_wrong_form_is_told_the_same_way(http: httpx.AsyncClient) -> None:
    assert problem_of(await http.get("/items/swordfish"), 422)["errors"][0]["location"] == ["path", "number"]


async def test_an_unknown_path_is_a_problem(http: httpx.AsyncClient) -> None:
    assert problem_of(await http.get("/nowhere"), 404)["code"] == "not-found"
    assert (await http.get("/%ED%A0%80%00")).json()["code"] == "not-found"


async def test_a_wrong_method_is_a_problem_that_names_the_right_ones(http: httpx.AsyncClient) -> None:
    answer = await http.delete("/strict/items")
    assert problem_of(answer, 405)["code"] == "method-not-allowed"
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("how", ["redis", "refused", "timeout", "no-address", "locked", "disk"])
async def test_what_is_away_for_a_while_is_503_with_a_time_to_come_back(http: httpx.AsyncClient, how: str) -> None:
    answer = await http.get(f"/fail/{how}")
    assert problem_of(answer, 503)["code"] == "unavailable"
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("how", ["bug", "integrity", "no-table", "no-file"])
async def test_a_fault_of_ours_is_500_and_a_browser_may_read_that_much(http: httpx.AsyncClient, how: str) -> None:
    answer = await http.get(f"/fail/{how}", headers=OWN)
    assert problem_of(answer, 500)["code"] == "internal-error"
    assert b"secret" not in answer.content
    assert answer.headers["access-control-allow-origin"] == OWN["Origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_a_fault_in_the_middle_of_an_answer_breaks_the_answer_off(http: httpx.AsyncClient) -> None:
    with pytest.raises(ZeroDivisionError):
        await http.get("/half")


async def test_an_error_of_a_service_brings_its_status_code_headers_and_members(http: httpx.AsyncClient) -> None:
    problem = problem_of(await http.get("/fail/teapot"), 418)
    assert (problem["code"], problem["detail"], problem["handle"]) == ("teapot", "Short and stout.", True)
    unauthenticated = await http.get("/fail/unauthenticated")
    assert problem_of(unauthenticated, 401)["code"] == "not-authenticated"
    assert unauthenticated.headers["www-authenticate"] == "Bearer"
    too_many = await http.get("/fail/too-many")
    assert problem_of(too_many, 429)["code"] == "too-many-requests"
    assert too_many.headers["retry-after"] == "1"


async def test_an_allowed_origin_is_answered_with_cors_headers_on_errors_too(http: httpx.AsyncClient) -> None:
    for path in ("/items/1", "/nowhere", "/items/x", "/fail/redis", "/fail/teapot"):
        answer = await http.get(path, headers=OWN)
        assert answer.headers["access-control-allow-origin"] == OWN["Origin"]
        assert "Origin" in answer.headers["vary"]
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8080.evil.example"])
async def test_another_origin_is_not_told_that_it_may_read(http: httpx.AsyncClient, origin: str) -> None:
    for path in ("/items/1", "/nowhere", "/fail/bug"):
        assert "access-control-allow-origin" not in (await http.get(path, headers={"Origin": origin})).headers


@pytest.mark.parametrize(("origin", "is_allowed"), [("http://127.0.0.1:8080", True), ("http://evil.example", False)])
async def test_a_preflight_is_answered_by_the_same_list(http: httpx.AsyncClient, origin: str, is_allowed: bool) -> None:
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "Authorization",
    }
    answer = await http.options("/strict/items", headers=asks)
    assert (answer.status_code == 200) == is_allowed
    assert ("access-control-allow-origin" in answer.headers) == is_allowed


async def test_the_edge_leaves_what_is_not_http_alone() -> None:
    async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    async def nothing(*_message: Any) -> Any:
        """Neither asked nor told anything."""

    with pytest.raises(ZeroDivisionError):
        await UnhandledErrors(fails)({"type": "lifespan"}, nothing, nothing)


async def test_a_body_over_the_bound_is_refused_before_all_of_it_is_read(http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10 * StrictJsonRequest.max_body_bytes:
            sent += 64 * 1024
            yield b" " * 64 * 1024

    answer = await http.post("/strict/any", content=endless(), headers=JSON)
    assert problem_of(answer, 413)["code"] == "body-too-large"
    assert sent <= StrictJsonRequest.max_body_bytes + 2 * 64 * 1024


async def test_a_name_that_nobody_asked_for_is_not_repeated(http: httpx.AsyncClient) -> None:
    answer = await http.post("/strict/items", json={"name": "a", "swordfish": 1})
    assert problem_of(answer, 422)["errors"][0]["location"] == ["body", "(unknown name)"]
    assert b"swordfish" not in answer.content


async def test_of_thousands_of_mistakes_the_first_are_named(http: httpx.AsyncClient) -> None:
    answer = await http.post("/strict/items", json={f"n{number}": 1 for number in range(5_000)})
    assert len(problem_of(answer, 422)["errors"]) == MAX_NAMED_ERRORS


async def test_a_document_of_too_many_values_is_malformed(http: httpx.AsyncClient) -> None:
    assert (await http.post("/strict/any", json={"field": [0] * (MAX_VALUES - 2)})).status_code == 200
    answer = await http.post("/strict/any", json={"field": [0] * MAX_VALUES})
    assert problem_of(answer, 400)["code"] == "malformed-json"


async def test_a_route_may_refuse_before_it_reads_the_body(http: httpx.AsyncClient) -> None:
    answer = await http.post("/guarded/any", content=b"not even JSON", headers=JSON)
    assert problem_of(answer, 403)["code"] == "forbidden"
