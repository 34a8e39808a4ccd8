"""What a worker may post of an agent's work."""

from typing import Any

import pytest
from callboard_contracts.events import EventType
from callboard_contracts.workflows import AgentEvent, AgentEventPost, AgentEventType
from pydantic import ValidationError

POST: dict[str, Any] = {"type": "thought", "data": {"content": "hm"}}


def test_every_bare_type_has_its_event_type() -> None:
    names = {kind: kind.event_type for kind in AgentEventType}
    assert names == {
        "thought": EventType.AGENT_THOUGHT,
        "tool_call": EventType.AGENT_TOOL_CALL,
        "result": EventType.AGENT_RESULT,
        "error": EventType.AGENT_ERROR,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "agent:thought"},
        {"type": "guess"},
        {"data": None},
        {"data": []},
        {"data": "text"},
        {"id": ""},
        {"id": "a:b"},
        {"id": 1},
        {"id": "x" * 129},
        {"timestamp": "2026-01-29T10:00:00"},
        {"timestamp": "yesterday"},
        {"workflowId": "w1"},
    ],
)
def test_what_is_no_event_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AgentEventPost.model_validate(POST | wrong)


def test_data_is_any_object_as_it_came() -> None:
    data = {"content": "…", "nested": {"a": [1, None, {"b": 2.5}]}, "snake_case": True}
    assert AgentEventPost.model_validate(POST | {"data": data}).data == data


def test_the_payload_has_the_bare_type_and_a_time_in_milliseconds() -> None:
    event = AgentEvent.model_validate(POST | {"workflowId": "w1", "timestamp": "2026-01-29T11:00:00.1239+01:00"})
    assert event.model_dump(mode="json", by_alias=True) == {
        "type": "thought",
        "workflowId": "w1",
        "data": {"content": "hm"},
        "timestamp": "2026-01-29T10:00:00.123Z",
    }
