import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from callboard_contracts.executions import Status
from callboard_testkit.waiting import free_port
from callboard_worker.sdk.client import CallboardClient
from callboard_worker.sdk.errors import (
    AttemptOver,
    Forbidden,
    GatewayUnreachable,
    LineConflict,
    LineGap,
    NotAuthenticated,
    NotFound,
    UnexpectedAnswer,
)
from starlette.responses import PlainTextResponse, Response

from .conftest import Suite
from .fake_gateway import FakeGateway, problem


async def test_an_update_carries_the_organisation_and_unknown_fields(suite: Suite) -> None:
    began = datetime(2026, 1, 2, tzinfo=UTC)
    async with suite.client() as client:
        answer = await client.update("t-1", Status.RUNNING, start_time=began, exitCode=None, name="né")
    assert answer.position == "e1:1"
    assert suite.gateway.updates == [
        {
            "taskId": "t-1",
            "organizationId": "org-1",
            "status": "RUNNING",
            "startTime": "2026-01-02T00:00:00.000Z",
            "exitCode": None,
            "name": "né",
        }
    ]


async def test_concurrent_first_calls_exchange_the_api_token_once(suite: Suite) -> None:
    async with suite.client() as client:
        await asyncio.gather(*(client.update(f"t-{n}", Status.PENDING) for n in range(20)))
    assert suite.gateway.exchanges == 1
    assert len(suite.gateway.updates) == 20


async def test_a_refused_jwt_is_renewed_once_for_all_calls_that_met_it(suite: Suite) -> None:
    async with suite.client() as client:
        await client.update("t-1", Status.PENDING)
        suite.gateway.jwt = "revoked meanwhile"
        await asyncio.gather(*(client.update("t-1", Status.PENDING) for _ in range(5)))
    assert suite.gateway.exchanges == 2


async def test_a_second_refusal_of_a_fresh_jwt_is_raised(suite: Suite) -> None:
    suite.gateway.faults.extend([problem(401, "not-authenticated"), problem(401, "not-authenticated")])
    async with suite.client() as client:
        with pytest.raises(NotAuthenticated):
            await client.update("t-1", Status.PENDING)
    assert suite.gateway.exchanges == 2


async def test_a_wrong_api_token_is_refused_at_once(suite: Suite) -> None:
    async with CallboardClient(suite.url, "ah_live_wrong") as client:
        with pytest.raises(NotAuthenticated) as refused:
            await client.session()
    assert "ah_live_wrong" not in str(refused.value)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_temporary_answers_are_tried_again_until_acknowledged(suite: Suite, status: int) -> None:
    suite.gateway.faults.extend([problem(status, "away"), PlainTextResponse("bad gateway", status)])
    async with suite.client() as client:
        await client.update("t-1", Status.PENDING)
    assert suite.gateway.statuses() == ["PENDING"]


async def test_a_chunk_whose_reply_was_lost_is_sent_again_and_stored_once(suite: Suite) -> None:
    async def stored_but_not_answered() -> Response:
        suite.gateway.logs["t-1", 1] = ["a", "b"]
        return problem(504, "gateway-timeout")

    async with suite.client() as client:
        await client.update("t-1", Status.RUNNING)
        suite.gateway.faults.append(stored_but_not_answered)
        assert (await client.append_log("t-1", 1, ["a", "b"])).last_line == 2
    assert suite.gateway.logs["t-1", 1] == ["a", "b"]


async def test_patience_ends_in_a_typed_error(suite: Suite) -> None:
    suite.gateway.faults.extend(problem(503, "unavailable") for _ in range(100))
    async with suite.client(patience=timedelta(milliseconds=200)) as client:
        with pytest.raises(GatewayUnreachable, match="HTTP 503"):
            await client.update("t-1", Status.PENDING)


async def test_nothing_listening_is_unreachable() -> None:
    async with Suite(FakeGateway(), f"http://127.0.0.1:{free_port()}").client(timedelta(milliseconds=50)) as client:
        with pytest.raises(GatewayUnreachable, match="ConnectError"):
            await client.session()


async def test_a_refusal_carries_the_problem(suite: Suite) -> None:
    suite.gateway.faults.append(problem(403, "foreign-organisation"))
    async with suite.client() as client:
        with pytest.raises(Forbidden) as refused:
            await client.update("t-1", Status.PENDING)
    assert (refused.value.status, refused.value.code) == (403, "foreign-organisation")
    assert (refused.value.detail, refused.value.request_id) == ("detail of foreign-organisation", "req-1")


async def test_an_answer_of_another_program_is_not_taken_for_an_acknowledgement(suite: Suite) -> None:
    suite.gateway.faults.append(PlainTextResponse("<html>hello</html>"))
    async with suite.client() as client:
        with pytest.raises(UnexpectedAnswer):
            await client.update("t-1", Status.PENDING)


async def test_log_chunks_are_stored_and_read_by_line_number(suite: Suite) -> None:
    async with suite.client() as client:
        await client.update("t-1", Status.RUNNING)
        appended = await client.append_log("t-1", 1, ["a", "b", "c"])
        repeated = await client.append_log("t-1", 2, ["b", "c", "d"], attempt=1)
        page = await client.read_log("t-1", after=1, limit=2)
    assert (appended.last_line, repeated.last_line) == (3, 4)
    assert (page.first_line, page.lines, page.next_after) == (2, ("b", "c"), 3)


async def test_a_gap_and_a_conflict_in_the_log_are_errors_of_their_own(suite: Suite) -> None:
    async with suite.client() as client:
        await client.update("t-1", Status.RUNNING)
        await client.append_log("t-1", 1, ["a"])
        with pytest.raises(LineGap) as gap:
            await client.append_log("t-1", 5, ["e"])
        with pytest.raises(LineConflict):
            await client.append_log("t-1", 1, ["other"])
    assert gap.value.expected_line == 2


async def test_executions_are_listed_page_by_page(suite: Suite) -> None:
    async with suite.client() as client:
        await client.update("t-1", Status.RUNNING)
        first = await client.list(limit=1)
        last = await client.list(cursor=first.cursor)
    assert [execution.task_id for execution in first.executions] == ["t-1"]
    assert (first.position, first.cursor, last.cursor) == ("e1:7", "cursor=abc&limit=1", None)


async def test_an_unknown_execution_is_not_found(suite: Suite) -> None:
    async with suite.client() as client:
        with pytest.raises(NotFound):
            await client.get("nobody")


async def test_a_finished_attempt_is_over(suite: Suite) -> None:
    async with suite.client() as client:
        await client.update("t-1", Status.PASSED)
        with pytest.raises(AttemptOver):
            await client.update("t-1", Status.RUNNING)
