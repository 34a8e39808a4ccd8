"""Clauses FLOW-*: what agents are at, told to those who follow their workflow and to those who follow all."""

from typing import Any

import httpx
import pytest
from callboard_testkit.native_client import Json
from callboard_testkit.suite import Account


def url_of(account: Account, workflow: str) -> str:
    return f"{account.door.producer}/workflows/{workflow}/events"


def event_body(**fields: Any) -> Json:
    return {"type": "thought", "data": {"content": "hm"}} | fields


async def tell(account: Account, workflow: str = "w-1", **fields: Any) -> Json:
    answer = await account.post(url_of(account, workflow), json=event_body(**fields))
    assert answer.status_code == httpx.codes.OK, answer.text
    told: Json = answer.json()
    return told


async def refusal(account: Account, **fields: Any) -> tuple[int, str]:
    answer = await account.post(url_of(account, "w-1"), json=event_body(**fields))
    return answer.status_code, answer.json()["code"]


@pytest.mark.clause("FLOW-1")
@pytest.mark.clause("FLOW-2")
@pytest.mark.parametrize("kind", ["thought", "tool_call", "result", "error"])
async def test_an_event_is_told_with_its_bare_type_in_the_payload(account: Account, kind: str) -> None:
    async with account.socket() as client:
        await client.ask(type="subscribe", channel="workflows")
        data = {"content": "Generating image…", "steps": [1, None, {"a": True}]}
        told = await tell(account, type=kind, id="e-1", data=data, timestamp="2026-01-29T10:00:00Z")
        event = await client.receive()
    assert told == {"status": "broadcasted", "position": event["position"], "id": "e-1"}
    assert (event["type"], event["channel"]) == (f"agent:{kind}", "workflows")
    assert event["data"] == {
        "type": kind,
        "workflowId": "w-1",
        "data": data,
        "timestamp": "2026-01-29T10:00:00.000Z",
    }


@pytest.mark.clause("FLOW-1")
@pytest.mark.clause("FLOW-2")
async def test_an_event_without_id_and_time_gets_both(account: Account) -> None:
    async with account.socket() as client:
        await client.ask(type="subscribe", channel="workflow:w-1")
        ids = {(await tell(account))["id"] for _ in range(2)}
        events = [await client.receive() for _ in range(2)]
    assert len(ids) == 2
    assert [event["data"]["timestamp"] for event in events] == [event["at"] for event in events]


@pytest.mark.clause("FLOW-2")
async def test_events_come_in_one_order_to_the_followers_of_one_workflow_and_of_all(
    account: Account, stranger: Account
) -> None:
    posted = [("w-1", 0), ("w-2", 1), ("w-1", 2), ("w-2", 3), ("w-1", 4)]
    async with account.socket() as one, account.socket() as every, stranger.socket() as theirs:
        await one.ask(type="subscribe", channel="workflow:w-1")
        await every.ask(type="subscribe", channel="workflows")
        for channel in ("workflow:w-1", "workflows"):
            await theirs.ask(type="subscribe", channel=channel)
        for workflow, number in posted:
            await tell(account, workflow, data={"number": number})
        heard = [(await every.receive())["data"] for _ in posted]
        assert [(data["workflowId"], data["data"]["number"]) for data in heard] == posted
        own = [await one.receive() for _ in range(3)]
        assert [event["data"]["data"]["number"] for event in own] == [0, 2, 4]
        assert await one.hears_nothing()
        assert await theirs.hears_nothing()


@pytest.mark.clause("FLOW-3")
async def test_the_same_id_again_is_no_second_event(account: Account) -> None:
    async with account.socket() as client:
        for channel in ("workflow:w-1", "workflows"):
            await client.ask(type="subscribe", channel=channel)
        first = await tell(account, id="e-1")
        await tell(account, "w-2", id="e-1")
        assert await tell(account, id="e-1") == first
        heard = [await client.receive() for _ in range(3)]
        assert await client.hears_nothing()
    channels = sorted((event["channel"], event["data"]["workflowId"]) for event in heard)
    assert channels == [("workflow:w-1", "w-1"), ("workflows", "w-1"), ("workflows", "w-2")]


@pytest.mark.clause("FLOW-3")
@pytest.mark.parametrize("other", [{"type": "error"}, {"data": {}}, {"timestamp": "2026-01-29T10:00:00Z"}])
async def test_an_id_does_not_stand_for_two_events(account: Account, other: Json) -> None:
    await tell(account, id="e-1")
    assert await refusal(account, id="e-1", **other) == (httpx.codes.CONFLICT, "event-conflict")


@pytest.mark.clause("FLOW-4")
async def test_data_is_an_object_with_a_bound(account: Account) -> None:
    too_large = {"content": "x" * 16 * 1024}
    expected = (httpx.codes.REQUEST_ENTITY_TOO_LARGE, "event-data-too-large")
    assert await refusal(account, data=too_large) == expected
    wrongs: tuple[Json, ...] = ({"data": []}, {"type": "agent:thought"}, {"id": "a b"}, {"workflowId": "w-1"})
    for wrong in wrongs:
        assert await refusal(account, **wrong) == (httpx.codes.UNPROCESSABLE_ENTITY, "invalid-request")
    answer = await account.post(url_of(account, "a%20b"), json=event_body())
    assert answer.is_client_error
