"""Seed 001: Socket.IO at the path /ws, the events of agents, CORS with credentials."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from callboard_testkit.node_socketio import node_program
from callboard_testkit.socketio_client import Connect, Json
from callboard_testkit.suite import Account, Addresses, RunningSuite
from callboard_testkit.waiting import eventually

SEED = Path(__file__).parent / "seeds" / "seed_001.ts"
HANDSHAKE = "/ws/?EIO=4&transport=polling"
PAGE = "https://board.example"
DATA: dict[str, Json] = {
    "thought": {"content": "I should look at the log."},
    "tool_call": {"content": "Generating Image...", "tool": {"name": "image", "arguments": [1, None, "ä"]}},
    "result": {"content": "Done.", "url": "https://example.org/1.png"},
    "error": {"content": "Out of memory", "code": 137},
}

Post = Callable[[str, Json], Awaitable[Json]]


def happened(kind: str, workflow: str = "flow-1") -> Json:
    return {"type": kind, "workflowId": workflow, "data": DATA[kind], "timestamp": "2026-05-02T18:33:54.000Z"}


async def say(post: Post, event: Json) -> None:
    body = {name: value for name, value in event.items() if name != "workflowId"}
    await post(f"/producer/workflows/{event['workflowId']}/events", body)


async def test_the_four_events_come_with_what_was_posted(connect: Connect, account: Account, post: Post) -> None:
    client = await connect(path="/ws", auth={"token": account.token})
    await client.connected()
    for kind in DATA:
        await say(post, happened(kind))
        assert await client.event(f"agent:{kind}") == happened(kind)


async def test_events_of_every_workflow_of_the_organisation_come_and_of_no_other(
    connect: Connect, account: Account, stranger: Account, addresses: Addresses, post: Post
) -> None:
    client = await connect(path="/ws", auth={"token": account.token})
    await client.connected()
    foreign = {"type": "thought", "data": {"content": "not yours"}}
    url = f"{addresses.gateway}/producer/workflows/flow-1/events"
    assert (await stranger.post(url, json=foreign)).is_success
    for workflow in ("flow-1", "flow-2"):
        await say(post, happened("thought", workflow))
        assert await client.event("agent:thought") == happened("thought", workflow)
    assert len(client.heard("agent:thought")) == 2


@pytest.mark.parametrize("auth", [{}, {"token": "not.a.token"}])
async def test_a_missing_or_bad_token_is_unauthorized_with_the_status(connect: Connect, auth: Json) -> None:
    client = await connect(path="/ws", auth=auth)
    refusal = await client.refused()
    assert (refusal["message"], refusal["data"]) == ("Unauthorized", {"status": 401})


@pytest.mark.parametrize("path", ["/ws/", "/socket.io/"])
async def test_a_bad_token_in_the_request_itself_is_401(
    http: httpx.AsyncClient, addresses: Addresses, path: str
) -> None:
    url = f"{addresses.gateway}{path}?EIO=4&transport=polling"
    bearer = {"Authorization": "Bearer not.a.token"}
    for answer in (await http.get(f"{url}&token=not.a.token"), await http.get(url, headers=bearer)):
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "invalid-token"


async def test_a_good_token_in_the_request_itself_needs_no_other(
    connect: Connect, account: Account, post: Post
) -> None:
    client = await connect(path="/ws", headers=account.bearer)
    await client.connected()
    await say(post, happened("result"))
    assert await client.event("agent:result") == happened("result")


async def test_a_page_of_an_allowed_origin_may_call_with_credentials(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    asked = await http.get(addresses.gateway + HANDSHAKE, headers={"Origin": PAGE})
    preflight = await http.options(addresses.gateway + HANDSHAKE, headers={"Origin": PAGE} | wish)
    refused = await http.get(f"{addresses.gateway}{HANDSHAKE}&token=bad", headers={"Origin": PAGE})
    assert (asked.status_code, refused.status_code) == (200, 401)
    assert preflight.is_success
    for answer in (asked, preflight, refused):
        assert answer.headers.get_list("access-control-allow-origin") == [PAGE]
        assert answer.headers.get_list("access-control-allow-credentials") == ["true"]


async def test_a_page_of_another_origin_may_not(http: httpx.AsyncClient, addresses: Addresses) -> None:
    answer = await http.get(addresses.gateway + HANDSHAKE, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_the_ids_of_socket_and_user_are_logged(connect: Connect, account: Account, suite: RunningSuite) -> None:
    client = await connect(path="/ws", auth={"token": account.token})
    socket_id = (await client.connected())["id"]

    def is_logged() -> bool:
        lines = [line for log in suite.log_directory.glob("social*.log") for line in log.read_text().splitlines()]
        return any("socketio_connected" in line and socket_id in line and account.user["id"] in line for line in lines)

    await eventually(is_logged)


async def test_a_client_of_the_seed_hears_its_agents(account: Account, addresses: Addresses, post: Post) -> None:
    async with node_program(SEED, API_URL=addresses.gateway, TOKEN=account.token) as program:
        await program.take(what="connect")
        for kind in DATA:
            await say(post, happened(kind))
            assert (await program.take(what=f"agent:{kind}"))["value"] == happened(kind)
