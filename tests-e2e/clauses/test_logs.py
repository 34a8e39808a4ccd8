"""Clauses LOG-*: log lines, by number."""

from typing import Any

import httpx
import pytest
from callboard_testkit.native_client import Json
from callboard_testkit.suite import Account


async def write(account: Account, first: int, lines: list[str], **fields: Any) -> httpx.Response:
    body = {"firstLine": first, "lines": lines} | fields
    return await account.post(f"{account.door.producer}/executions/task-1/logs", json=body)


async def read(account: Account, **params: Any) -> Json:
    answer = await account.get(f"{account.door.producer}/executions/task-1/logs", params=params)
    answer.raise_for_status()
    page: Json = answer.json()
    return page


@pytest.fixture
async def running(account: Account) -> Account:
    await account.update("task-1", "RUNNING")
    return account


@pytest.mark.clause("LOG-1")
async def test_lines_are_stored_by_number(running: Account) -> None:
    answer = await write(running, 1, ["one", "two"])
    assert answer.json() == {"attempt": 1, "lastLine": 2, "position": "1:2"}
    answer = await write(running, 3, ["three"])
    assert answer.json() == {"attempt": 1, "lastLine": 3, "position": "1:3"}


@pytest.mark.clause("LOG-2")
async def test_a_stored_line_is_never_rewritten(running: Account) -> None:
    await write(running, 1, ["one", "two"])
    again = await write(running, 2, ["two", "three"])
    assert (again.status_code, again.json()["lastLine"]) == (200, 3)
    other = await write(running, 2, ["TWO"])
    assert (other.status_code, other.json()["code"]) == (409, "line-conflict")
    assert (await read(running))["lines"] == ["one", "two", "three"]


@pytest.mark.clause("LOG-3")
async def test_a_hole_is_told_with_the_line_that_is_expected(running: Account) -> None:
    await write(running, 1, ["one"])
    answer = await write(running, 3, ["three"])
    assert (answer.status_code, answer.json()["code"], answer.json()["expectedLine"]) == (409, "line-gap", 2)


@pytest.mark.clause("LOG-4")
async def test_an_older_attempt_takes_no_new_lines(running: Account) -> None:
    await write(running, 1, ["one"])
    await running.update("task-1", "FAILED")
    await running.update("task-1", "RUNNING", attempt=2)
    answer = await write(running, 2, ["late"], attempt=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "attempt-over")
    assert (await write(running, 1, ["one"], attempt=1)).status_code == 200
    assert (await write(running, 1, ["another life"])).json()["attempt"] == 2


@pytest.mark.clause("LOG-5")
async def test_a_line_has_a_bound(running: Account) -> None:
    assert (await write(running, 1, ["x" * 16 * 1024])).status_code == 200
    answer = await write(running, 2, ["é" * 8 * 1024 + "x"])
    assert answer.is_client_error
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.clause("LOG-5")
async def test_text_that_some_party_could_not_carry_is_repaired(running: Account) -> None:
    url = f"{running.door.producer}/executions/task-1/logs"
    body = b'{"firstLine": 1, "lines": ["a\\u0000b", "c\\ud800d", "\\ud83d\\ude00"]}'
    headers = running.bearer | {"Content-Type": "application/json"}
    answer = await running.http.post(url, content=body, headers=headers)
    assert answer.status_code == 200
    assert (await read(running))["lines"] == ["a\ufffdb", "c\ufffdd", "\U0001f600"]


@pytest.mark.clause("LOG-6")
async def test_lines_are_read_in_pages(running: Account) -> None:
    lines = [f"line {number}" for number in range(1, 8)]
    await write(running, 1, lines[:4])
    await write(running, 5, lines[4:])
    page = await read(running, after=2, limit=3)
    assert page == {"attempt": 1, "firstLine": 3, "lines": lines[2:5], "position": "1:5", "nextAfter": 5}
    page = await read(running, after=5, limit=3)
    assert (page["lines"], page["nextAfter"], page["position"]) == (lines[5:], None, "1:7")
    page = await read(running, after=7)
    assert (page["lines"], page["nextAfter"], page["position"]) == ([], None, "1:7")
