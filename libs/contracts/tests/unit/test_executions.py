"""What a worker may post about an execution, to the bounds and past them."""

from typing import Any

import pytest
from callboard_contracts.executions import (
    MAX_ATTEMPT,
    MAX_LINE_NUMBER,
    MAX_LINES_PER_CHUNK,
    RESERVED_FIELDS,
    ExecutionCreate,
    ExecutionUpdate,
    LogChunk,
    Status,
    kept_fields,
)
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

UPDATE: dict[str, Any] = {"taskId": "t1", "organizationId": "o1", "status": "RUNNING"}
CHUNK: dict[str, Any] = {"firstLine": 1, "lines": ["a"]}


def test_everything_after_running_is_the_end_of_an_attempt() -> None:
    assert {status for status in Status if not status.is_terminal} == {Status.PENDING, Status.RUNNING}


def test_fields_of_the_worker_s_own_are_kept_as_they_came() -> None:
    update = ExecutionUpdate.model_validate(UPDATE | {"suite": "smoke", "nested": {"a": [1, None]}, "snake_case": True})
    assert kept_fields(update) == {"suite": "smoke", "nested": {"a": [1, None]}, "snake_case": True}


def test_names_that_are_ours_are_never_kept() -> None:
    update = ExecutionUpdate.model_validate(UPDATE | dict.fromkeys(["version", "createdAt", "updatedAt"], "forged"))
    assert kept_fields(update) == {}
    create = ExecutionCreate.model_validate({"taskId": "t1", "status": "PASSED", "organizationId": "o2", "mine": 1})
    assert kept_fields(create) == {"mine": 1}


@given(st.dictionaries(st.text(max_size=20), st.integers(), max_size=6))
def test_a_kept_field_never_has_a_reserved_name(extra: dict[str, int]) -> None:
    kept = kept_fields(ExecutionUpdate.model_validate(extra | UPDATE))
    assert kept == {name: value for name, value in extra.items() if name not in RESERVED_FIELDS and name in kept}
    assert RESERVED_FIELDS.isdisjoint(kept)


@pytest.mark.parametrize(
    "change",
    [
        {"taskId": ""},
        {"taskId": None},
        {"taskId": 7},
        {"taskId": "a b"},
        {"taskId": "a/b"},
        {"taskId": "a:b"},
        {"taskId": "a\n"},
        {"taskId": "a" * 129},
        {"organizationId": ""},
        {"organizationId": "o" * 129},
        {"status": "running"},
        {"status": None},
        {"attempt": 0},
        {"attempt": MAX_ATTEMPT + 1},
        {"attempt": "1"},
        {"attempt": 1.0},
        {"attempt": True},
        {"attempt": float("nan")},
        {"startTime": "yesterday"},
        {"startTime": "2026-01-01T00:00:00"},
        {"startTime": float("nan")},
        {"endTime": float("inf")},
        {"endTime": 1e300},
        {"endTime": "9999999999999999"},
    ],
)
def test_an_update_outside_its_bounds_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExecutionUpdate.model_validate(UPDATE | change)


@pytest.mark.parametrize(
    "change",
    [
        {"firstLine": 0},
        {"firstLine": MAX_LINE_NUMBER + 1},
        {"firstLine": 1.5},
        {"firstLine": "1"},
        {"firstLine": True},
        {"lines": []},
        {"lines": "abc"},
        {"lines": [1]},
        {"lines": [None]},
        {"lines": ["a"] * (MAX_LINES_PER_CHUNK + 1)},
        {"attempt": 0},
        {"extra": 1},
    ],
)
def test_a_chunk_outside_its_bounds_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LogChunk.model_validate(CHUNK | change)


def test_the_bounds_themselves_are_allowed() -> None:
    update = ExecutionUpdate.model_validate(UPDATE | {"taskId": "a" * 128, "attempt": MAX_ATTEMPT})
    assert update.attempt == MAX_ATTEMPT
    chunk = LogChunk.model_validate({"firstLine": MAX_LINE_NUMBER, "lines": [""] * MAX_LINES_PER_CHUNK})
    assert len(chunk.lines) == MAX_LINES_PER_CHUNK
