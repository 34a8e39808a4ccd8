"""Who is let in, and that what comes in cannot break anything."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from callboard_producer.executions.endpoints import router as executions
from callboard_producer.logs.endpoints import router as logs
from callboard_producer.workflows.endpoints import router as workflows
from callboard_servicekit import strict_json
from callboard_testkit.killer_json import BROKEN_DOCUMENTS, KILLERS, Killer
from callboard_testkit.running import publish_revocation
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.routing import APIRoute
from redis.asyncio import Redis

from .producer_under_test import Json, ProducerUnderTest, append, execution, update, update_body

UNAUTHORIZED = httpx.codes.UNAUTHORIZED
CALLS = (
    ("POST", "/executions/update"),
    ("POST", "/executions"),
    ("GET", "/executions"),
    ("GET", "/executions/task-1"),
    ("POST", "/executions/task-1/logs"),
    ("GET", "/executions/task-1/logs"),
    ("POST", "/workflows/workflow-1/events"),
)


PATHS = [path for method, path in CALLS if method == "POST"]


def bad_tokens(minter: TokenMinter) -> dict[str, str]:
    good = minter.mint()
    head, payload, signature = good.split(".")
    other = TokenMinter(kid=minter.kid)
    other.private_key = Ed25519PrivateKey.generate()
    header = {"typ": "at+jwt", "kid": minter.kid}
    return {
        "garbage": "garbage",
        "expired": minter.mint(exp=1),
        "tampered": f"{head}.{payload[:-4]}AAAA.{signature}",
        "unsigned": jwt.encode(minter.claims(), "", algorithm="none", headers=header),
        "another key": other.mint(),
        "another algorithm": jwt.encode(minter.claims(), "x" * 32, algorithm="HS256", headers=header),
        "another type": minter.mint(headers={"typ": "ws-connect+jwt"}),
        "another audience": minter.mint(aud="callboard-social"),
        "another issuer": minter.mint(iss="http://elsewhere"),
        "over-long": good + "x" * 5_000,
        "not even text": "\xff\xfe",
    }


def test_every_route_is_among_the_calls_tried_here() -> None:
    routers = (executions, logs, workflows)
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    ids = {"task_id": "task-1", "workflow_id": "workflow-1"}
    declared = {(method, route.path.format(**ids)) for route in routes for method in route.methods or ()}
    assert declared == set(CALLS)


async def test_a_token_that_proves_nothing_is_401_everywhere(producer: ProducerUnderTest, minter: TokenMinter) -> None:
    async with httpx.AsyncClient(base_url=producer.url) as client:
        for method, path in CALLS:
            answer = await client.request(method, path, json=update_body())
            assert (answer.status_code, answer.json()["code"]) == (UNAUTHORIZED, "not-authenticated")
            for name, token in bad_tokens(minter).items():
                headers = [(b"Authorization", f"Bearer {token}".encode("latin-1"))]
                answer = await client.request(method, path, json=update_body(), headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (UNAUTHORIZED, "invalid-token"), name


async def test_a_revoked_session_is_refused_and_another_is_not(producer: ProducerUnderTest, redis: Redis) -> None:
    async with producer.client(sid="ended") as ended, producer.client(sid="open") as open_:
        await update(ended)
        await publish_revocation(redis, kind="sid", id="ended", at=int(time.time()))

        async def is_refused() -> bool:
            return (await ended.get("/executions")).status_code == UNAUTHORIZED

        await eventually(is_refused)
        assert (await ended.post("/executions/update", json=update_body(status="PASSED"))).status_code == UNAUTHORIZED
        assert (await execution(open_))["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:8080"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_a_cookie_writes_only_from_an_allowed_origin(
    producer: ProducerUnderTest, minter: TokenMinter, headers: dict[str, str], status: int
) -> None:
    async with httpx.AsyncClient(base_url=producer.url, cookies={"auth_token": minter.mint()}) as client:
        answer = await client.post("/executions/update", json=update_body(), headers=headers)
        assert answer.status_code == status
        assert (await client.get("/executions")).status_code == httpx.codes.OK


def is_refused_properly(answer: httpx.Response) -> bool:
    return 400 <= answer.status_code < 500 and answer.headers["content-type"] == "application/problem+json"


async def is_refused_on(worker: httpx.AsyncClient, path: str, body: bytes) -> bool:
    answer = await worker.post(path, content=body, headers={"Content-Type": "application/json"})
    strict_json.loads(answer.content)
    return is_refused_properly(answer)


def with_member(body: Json, name: str, killer: Killer) -> bytes:
    others = strict_json.dumps({key: value for key, value in body.items() if key != name})
    return killer.as_member(name, others[1:-1])


async def test_json_that_kills_is_refused_wherever_it_stands(worker: httpx.AsyncClient) -> None:
    await update(worker)
    new, log = update_body("task-2"), {"firstLine": 1, "lines": ["x"]}
    event = {"type": "thought", "data": {"content": "hm"}}
    places = [
        *((path, new, name) for path in PATHS[:2] for name in (*new, "attempt", "startTime", "endTime", "kept")),
        *((PATHS[2], log, name) for name in (*log, "attempt", "unknown")),
        *((PATHS[3], event, name) for name in (*event, "id", "timestamp", "unknown")),
    ]
    for killer in KILLERS:
        for path, body, name in places:
            assert await is_refused_on(worker, path, with_member(body, name, killer)), (killer.name, path, name)
        for path in PATHS:
            assert await is_refused_on(worker, path, killer.value.encode()), (killer.name, path)
    assert len((await worker.get("/executions")).json()) == (await execution(worker))["version"] == 1


async def test_what_is_no_json_is_refused(worker: httpx.AsyncClient) -> None:
    for document in BROKEN_DOCUMENTS:
        for path in PATHS:
            assert await is_refused_on(worker, path, document), (document[:20], path)


WRONG: tuple[Any, ...] = (
    None,
    True,
    1,
    -1,
    0,
    1.5,
    2**63,
    10**300,
    "",
    " ",
    "x" * 200,
    "a/b",
    "a b",
    "é",
    [],
    {},
    [[]],
)


def calls_with(wrong: Any) -> Iterator[tuple[str, Any]]:
    """Calls that are right but for one value."""
    right = update_body("task-2")
    for name in (*right, "attempt", "startTime", "endTime", "kept"):
        yield "/executions/update", right | {name: wrong}
    for name in ("taskId", "organizationId", "kept"):
        yield "/executions", {name: wrong}
    for name in ("firstLine", "lines", "attempt", "unknown"):
        yield "/executions/task-1/logs", {"firstLine": 1, "lines": ["x"], name: wrong}
    for name in ("type", "data", "id", "timestamp", "unknown"):
        yield "/workflows/workflow-1/events", {"type": "thought", "data": {}, name: wrong}
    for path in PATHS:
        yield path, wrong


async def test_values_of_the_wrong_type_or_size_never_break_a_call(worker: httpx.AsyncClient) -> None:
    await update(worker)
    for wrong in WRONG:
        for path, body in calls_with(wrong):
            answer = await worker.post(path, json=body)
            assert answer.is_success or is_refused_properly(answer), (path, body, answer.text)
            strict_json.loads(answer.content)
    assert strict_json.loads((await worker.get("/executions")).content)


async def test_a_time_that_utc_does_not_have_is_refused(worker: httpx.AsyncClient) -> None:
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        for name in ("startTime", "endTime"):
            answer = await worker.post("/executions/update", json=update_body() | {name: moment})
            assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
            assert answer.json()["code"] == "time-out-of-range"


async def test_the_first_and_the_last_times_of_the_calendar_are_kept(worker: httpx.AsyncClient) -> None:
    first, last = "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"
    for moment, kept in ((first, first), (last, last), (-1, "1969-12-31T23:59:59.000Z")):
        await update(worker, startTime=moment)
        assert (await execution(worker))["startTime"] == kept


STRAY = (
    ("GET", "/", 404),
    ("GET", "/executions/", 404),
    ("GET", "/executions/a/b", 404),
    ("GET", "/metrics", 404),
    ("DELETE", "/executions", 405),
    ("PUT", "/executions/task-1", 405),
    ("GET", "/executions/%00", 422),
    ("GET", "/executions/%ff", 422),
    ("GET", "/executions/-x", 422),
    ("GET", "/executions/a%0A", 422),
    ("GET", "/executions/" + "x" * 129, 422),
    ("GET", "/executions/a%2Fb", 404),
    ("POST", "/workflows/a%0A/events", 422),
    ("POST", "/workflows/" + "x" * 129 + "/events", 422),
    ("GET", "/workflows/workflow-1/events", 405),
)


async def test_a_path_that_is_none_of_ours_is_a_problem(worker: httpx.AsyncClient) -> None:
    for method, path, status in STRAY:
        answer = await worker.request(method, path)
        assert answer.status_code == status, (method, path)
        assert is_refused_properly(answer)


async def test_the_log_of_a_task_is_its_organizations_own(
    worker: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await update(worker)
    await append(worker, 1, "ours")
    body = update_body() | {"organizationId": "org-2"}
    await stranger.post("/executions/update", json=body)
    await append(stranger, 1, "theirs")

    assert (await worker.get("/executions/task-1/logs")).json()["lines"] == ["ours"]
    assert (await stranger.get("/executions/task-1/logs")).json()["lines"] == ["theirs"]
