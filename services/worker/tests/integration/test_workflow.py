import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from callboard_contracts.workflows import AgentEventType
from callboard_worker import BlockingClient
from callboard_worker.sdk.errors import EventConflict, InvalidRequest
from starlette.responses import Response

from .conftest import Suite
from .fake_gateway import API_TOKEN, problem


def posted(suite: Suite) -> list[tuple[str, dict[str, Any]]]:
    """Each event's bare type and data, as they came."""
    return [(event["type"], event["data"]) for event in suite.gateway.told.values()]


async def test_each_kind_of_event_is_told_under_its_bare_type(suite: Suite) -> None:
    async with suite.client() as client:
        workflow = client.workflow("w-1")
        await workflow.thought({"content": "a picture is needed"})
        await workflow.tool_call({"tool": "draw"})
        await workflow.error({"message": "no paper"})
        answer = await workflow.result({})
    assert answer.position == "e1:4"
    assert posted(suite) == [
        ("thought", {"content": "a picture is needed"}),
        ("tool_call", {"tool": "draw"}),
        ("error", {"message": "no paper"}),
        ("result", {}),
    ]
    assert {workflow for workflow, _ in suite.gateway.told} == {"w-1"}


async def test_an_event_whose_answer_was_lost_is_sent_again_as_the_same(suite: Suite) -> None:
    async def told_but_not_answered() -> Response:
        return problem(504, "gateway-timeout")

    suite.gateway.faults.extend([told_but_not_answered, problem(503, "relay-unavailable")])
    before = datetime.now(UTC)
    async with suite.client() as client:
        answer = await client.workflow("w-1").thought({"content": "hm"})
    ((_, event),) = suite.gateway.told.items()
    assert answer.id == event["id"]
    assert before.replace(microsecond=0) <= datetime.fromisoformat(event["timestamp"]) <= datetime.now(UTC)


async def test_events_at_once_have_ids_of_their_own(suite: Suite) -> None:
    async with suite.client() as client:
        workflow = client.workflow("w-1")
        await asyncio.gather(*(workflow.thought({"number": number}) for number in range(20)))
    assert len(suite.gateway.told) == 20


async def test_a_program_may_give_ids_and_times_of_its_own(suite: Suite) -> None:
    moment = datetime(2026, 1, 29, 10, tzinfo=UTC)
    async with suite.client() as client:
        workflow = client.workflow("w-1")
        for _ in range(2):
            await workflow.tell(AgentEventType.RESULT, {"pages": 3}, event_id="step-3", timestamp=moment)
        with pytest.raises(EventConflict):
            await workflow.tell(AgentEventType.RESULT, {"pages": 4}, event_id="step-3", timestamp=moment)
    assert suite.gateway.told == {
        ("w-1", "step-3"): {
            "id": "step-3",
            "type": "result",
            "data": {"pages": 3},
            "timestamp": "2026-01-29T10:00:00.000Z",
        }
    }


async def test_data_that_is_refused_is_not_sent_again(suite: Suite) -> None:
    suite.gateway.faults.append(problem(413, "event-data-too-large"))
    async with suite.client() as client:
        with pytest.raises(InvalidRequest):
            await client.workflow("w-1").thought({"content": "x"})
    assert not suite.gateway.faults


async def test_what_is_no_id_is_refused_before_anything_is_sent(suite: Suite) -> None:
    async with suite.client() as client:
        with pytest.raises(ValueError, match="workflow id"):
            client.workflow("../executions/update?")
        with pytest.raises(ValueError, match="id"):
            await client.workflow("w-1").tell(AgentEventType.ERROR, {}, event_id="a b")
    assert suite.gateway.exchanges == 0


async def test_a_program_without_an_event_loop_tells_the_same(suite: Suite) -> None:
    def work() -> None:
        with BlockingClient(suite.url, API_TOKEN) as client:
            workflow = client.workflow("w-1")
            assert workflow.workflow_id == "w-1"
            workflow.thought({"n": 1})
            workflow.tool_call({"n": 2})
            workflow.result({"n": 3})
            workflow.error({"n": 4})
            workflow.tell(AgentEventType.RESULT, {"n": 5}, event_id="own")

    await asyncio.to_thread(work)
    assert [data["n"] for _, data in posted(suite)] == [1, 2, 3, 4, 5]
