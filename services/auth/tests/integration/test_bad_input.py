"""Whatever comes in, the answer is a problem that says so, never a 500."""

import itertools
import json
from typing import Any

import httpx
import pytest
from callboard_testkit.killer_json import BROKEN_DOCUMENTS, KILLERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROTATE = "/api/v1/tokens/" + "0" * 32 + "/rotate"
"""Of a token that does not exist: what is wrong with the body is told first."""
BODIES: dict[str, dict[str, Any]] = {
    "/api/signup": {
        "login": "mallory",
        "email": "mallory@example.com",
        "password": "a fine long password",
        "organizationName": "Cracks",
    },
    "/api/login": {"login": "ada", "password": "a fine long password"},
    "/api/v1/tokens": {"name": "ci", "expiresAt": "2999-01-01T00:00:00Z"},
    ROTATE: {"overlapSeconds": 60, "expiresAt": "2999-01-01T00:00:00Z"},
    "/api/v1/sessions": {"token": "ah_live_x"},
}
FIELDS = [(path, field) for path, body in BODIES.items() for field in body]
FREE_FIELDS = {"name", "expiresAt", "organizationName", "password", "overlapSeconds"}
"""What may hold nearly anything."""
WRONG_VALUES: list[Any] = [
    None,
    True,
    1,
    -1,
    2**70,
    1.5,
    "",
    "\x7f",
    "\u202e\ufeff",
    "x" * 100_000,
    [],
    {},
    ["x"],
    {"x": "y"},
    "9999-99-99T99:99:99Z",
    "'; DROP TABLE users; --",
]
JSON = {"Content-Type": "application/json"}


def assert_refused(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"about:blank#{problem['code']}"
    assert problem["requestId"]


@pytest.mark.parametrize("path", BODIES)
async def test_json_that_some_party_cannot_carry_is_refused_in_every_field(ada: httpx.AsyncClient, path: str) -> None:
    for field, killer in itertools.product(BODIES[path], KILLERS):
        content = json.dumps(BODIES[path] | {field: "KILLER"}).replace('"KILLER"', killer.value)
        assert_refused(await ada.post(path, content=content, headers=JSON), 400)


@pytest.mark.parametrize("path", BODIES)
async def test_wrong_value_in_any_field_is_refused_and_not_repeated(ada: httpx.AsyncClient, path: str) -> None:
    for field, value in itertools.product(BODIES[path], WRONG_VALUES):
        answer = await ada.post(path, json=BODIES[path] | {field: value})
        if answer.is_success:
            assert field in FREE_FIELDS
            continue
        assert_refused(answer, 401, *([404] if path == ROTATE and field in FREE_FIELDS else []), 409, 413, 422)
        assert len(answer.content) < 2_000


@pytest.mark.parametrize("path", BODIES)
async def test_body_that_is_not_json_is_refused(ada: httpx.AsyncClient, path: str) -> None:
    for content in BROKEN_DOCUMENTS:
        # Without a body the API token may come as a Bearer token, and a rotation has its defaults.
        statuses = (400, 413, 422) if content else (401, 404, 422)
        assert_refused(await ada.post(path, content=content, headers=JSON), *statuses)


@pytest.mark.parametrize("path", BODIES)
async def test_json_of_another_form_is_refused(ada: httpx.AsyncClient, path: str) -> None:
    for content in (b"[]", b'"text"', b"1", b'{"a": 1}', b"[[]]"):
        assert_refused(await ada.post(path, content=content, headers=JSON), 422)
    assert_refused(await ada.post(path, content=b"{}", headers=JSON), 404 if path == ROTATE else 422)


async def test_body_of_another_type_is_refused(ada: httpx.AsyncClient) -> None:
    content = json.dumps(BODIES["/api/login"]).encode()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", ""):
        answer = await ada.post("/api/login", content=content, headers={"Content-Type": content_type})
        assert_refused(answer, 415, 422)


UNKNOWN_PATHS = (
    "/",
    "/nothing",
    "/api",
    "/api/login/",
    "/api/v1/sessions/x",
    "/livez",
    "/metrics",
    "/%00",
    "/%ed%a0%80",
    "/%ff",
    "/..%2f..%2fetc/passwd",
    "/" + "x" * 5_000,
)
TOKEN_IDS = ("x", "0" * 31, "0" * 33, "%00", "a%00" + "b" * 30, "%ed%a0%80", "%27", "G" * 32, "x" * 5_000)


async def test_unknown_path_is_a_problem(ada: httpx.AsyncClient) -> None:
    for path in UNKNOWN_PATHS:
        assert_refused(await ada.get(path), 404)


async def test_id_of_no_token_is_a_problem(ada: httpx.AsyncClient) -> None:
    for token_id in TOKEN_IDS:
        assert_refused(await ada.delete(f"/api/v1/tokens/{token_id}"), 422)
        assert_refused(await ada.post(f"/api/v1/tokens/{token_id}/rotate"), 422)
    assert_refused(await ada.delete("/api/v1/tokens/" + "0" * 32), 404)
    assert_refused(await ada.post(ROTATE), 404)


QUERIES = (
    "limit=0",
    "limit=201",
    "limit=x",
    "limit=1e2",
    "cursor=0",
    "cursor=-1",
    "cursor=9223372036854775808",
    "cursor=1%00",
    "action=",
    "action=api-token",
    "action=%27%3B--",
    "action=" + "x" * 5_000,
)


async def test_question_to_the_audit_log_that_makes_no_sense_is_a_problem(ada: httpx.AsyncClient) -> None:
    for query in QUERIES:
        assert_refused(await ada.get(f"/api/audit?{query}"), 422)


async def test_other_method_is_a_problem(ada: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/api/login"), ("DELETE", "/api/users/me"), ("PUT", "/api/v1/tokens")):
        assert_refused(await ada.request(method, path), 405)


CREDENTIALS = (
    ("Authorization", "Bearer " + "x" * 20_000),
    ("Authorization", "Bearer a.b.c"),
    ("Authorization", "Bearer \u00e4\u00f6"),
    ("Authorization", "Basic YTpi"),
    ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
    ("Authorization", "Bearer bnVsbA.bnVsbA.bnVsbA"),
    ("Cookie", "auth_token=\u00e4; refresh_token=\u00e4"),
    ("Cookie", 'auth_token="; refresh_token='),
    ("Cookie", "auth_token=" + "x" * 20_000),
    ("Cookie", "refresh_token=" + "x" * 20_000),
)
CALLS = (
    ("GET", "/api/users/me"),
    ("GET", "/users/me"),
    ("POST", "/api/refresh"),
    ("POST", "/api/logout"),
    ("POST", "/api/v1/tokens"),
    ("POST", ROTATE),
    ("GET", "/api/audit"),
    ("POST", "/api/v1/sessions"),
)


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_nonsense_for_a_credential_is_a_problem(client: httpx.AsyncClient, method: str, path: str) -> None:
    body = {"name": "x"} if path.endswith("tokens") else None
    for name, value in CREDENTIALS:
        headers = [(b"Origin", b"http://localhost:8080"), (name.encode(), value.encode("latin-1"))]
        assert_refused(await client.request(method, path, headers=headers, json=body), 401)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path_and_field=st.sampled_from(FIELDS), value=ANY_JSON)
async def test_any_json_in_any_field_never_breaks_auth(
    ada: httpx.AsyncClient, path_and_field: tuple[str, str], value: Any
) -> None:
    path, field = path_and_field

    answer = await ada.post(path, content=json.dumps(BODIES[path] | {field: value}), headers=JSON)

    assert answer.status_code in {200, 201, 400, 401, 404, 409, 413, 422}, answer.text
