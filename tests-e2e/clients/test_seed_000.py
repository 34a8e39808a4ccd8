"""Seed 000: agents that meet in rooms, in the namespace /agents."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from callboard_testkit.node_socketio import node_program
from callboard_testkit.socketio_client import Connect, Json, SocketIoClient
from callboard_testkit.suite import Account, Addresses

SEED = Path(__file__).parent / "seeds" / "seed_000.ts"
GENERAL = "general"

Agent = Callable[[str], Awaitable[Json]]


async def arrive(connect: Connect, session: Json) -> SocketIoClient:
    """A connected agent that has been greeted."""
    client = await connect("/agents", auth={"jwt": session["token"]})
    greeting = await client.event("agent:hello-ack")
    assert greeting["agentId"] == session["agent"]["id"]
    return client


async def new_room(account: Account, addresses: Addresses, *members: Json) -> str:
    """A private room of the account's, with these agents in it."""
    rooms = f"{addresses.gateway}/social/api/socials/rooms"
    created = (await account.post(rooms, json={"name": "A room"})).raise_for_status().json()
    for member in members:
        body = {"userId": member["agent"]["id"], "role": "member"}
        (await account.post(f"{rooms}/{created['id']}/members", json=body)).raise_for_status()
    return str(created["id"])


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({}, "Missing JWT in handshake"),
        ({"jwt": "not.a.token"}, "Invalid or expired JWT"),
        ({"jwt": ["not", "a", "token"]}, "Invalid or expired JWT"),
    ],
)
async def test_a_handshake_without_a_good_jwt_is_a_connect_error(connect: Connect, auth: Json, message: str) -> None:
    client = await connect("/agents", auth=auth)
    refusal = await client.refused()
    assert refusal["message"] == message
    assert not refusal.get("active")
    assert client.heard("agent:hello-ack") == []


async def test_an_agent_is_greeted_with_who_it_is_and_its_rooms(
    connect: Connect, account: Account, addresses: Addresses, agent: Agent
) -> None:
    session = await agent("builder")
    room = await new_room(account, addresses, session)
    client = await connect("/agents", auth={"jwt": session["token"]})
    greeting = await client.event("agent:hello-ack")
    assert greeting["agentId"] == session["agent"]["id"]
    assert greeting["organizationId"] == account.organization["id"]
    assert greeting["rooms"] == [GENERAL, room]
    assert isinstance(greeting["login"], str)
    assert isinstance(greeting["role"], str)


async def test_two_agents_hear_of_each_other_and_never_of_themselves(connect: Connect, agent: Agent) -> None:
    one, two = await agent("one"), await agent("two")
    first = await arrive(connect, one)
    second = await arrive(connect, two)
    here = {"status": "online", "roomId": GENERAL}
    assert await first.event("presence:update") == {"agentId": two["agent"]["id"]} | here
    assert await second.event("presence:update") == {"agentId": one["agent"]["id"]} | here
    await second.disconnect()
    gone = {"agentId": two["agent"]["id"], "status": "offline", "roomId": GENERAL}
    assert await first.event("presence:update") == gone
    assert one["agent"]["id"] not in {told["agentId"] for told in first.heard("presence:update")}
    assert two["agent"]["id"] not in {told["agentId"] for told in second.heard("presence:update")}


async def test_joining_and_leaving_is_acknowledged_told_to_the_agent_and_seen_by_the_others(
    connect: Connect, account: Account, addresses: Addresses, agent: Agent
) -> None:
    one, two = await agent("one"), await agent("two")
    room = await new_room(account, addresses, one, two)
    first, second = await arrive(connect, one), await arrive(connect, two)
    await told_of(first, two, room, "online")  # who comes and goes within a second is not told of
    asked = {"roomId": room, "requestId": "request-1"}
    assert await second.ask("room:leave", asked) == {"ok": True} | asked
    assert await second.event("room:left") == asked
    await told_of(first, two, room, "offline")
    assert await second.ask("room:join", {"roomId": room}) == {"ok": True, "roomId": room}
    assert await second.event("room:joined") == {"roomId": room}
    await told_of(first, two, room, "online")


async def told_of(client: SocketIoClient, who: Json, room: str, status: str) -> None:
    """Return when the client was told this; what it was told before is skipped."""
    wanted = {"agentId": who["agent"]["id"], "roomId": room, "status": status}
    while await client.event("presence:update") != wanted:
        pass


@pytest.mark.parametrize("event", ["room:join", "message:send"])
async def test_a_room_that_one_is_not_a_member_of_is_forbidden_by_acknowledgement_and_by_event(
    connect: Connect, account: Account, addresses: Addresses, agent: Agent, event: str
) -> None:
    client = await arrive(connect, await agent("outsider"))
    for room in (await new_room(account, addresses), "unknown-room"):
        asked = {"roomId": room, "requestId": "request-7"}
        body = asked | ({"content": "let me in"} if event == "message:send" else {})
        answer = await client.ask(event, body)
        assert answer.items() >= ({"ok": False, "code": "forbidden", "temporary": False} | asked).items()
        told = await client.event("error")
        assert {"ok": False} | told == answer


async def test_a_malformed_request_is_said_to_be_one(connect: Connect, agent: Agent) -> None:
    client = await arrive(connect, await agent("builder"))
    answer = await client.ask("room:join", {"room": GENERAL})
    assert (answer["ok"], answer["code"]) == (False, "invalid-request")
    answer = await client.ask("room:burn", {"roomId": GENERAL})
    assert (answer["ok"], answer["code"]) == (False, "unknown-event")


async def test_messages_reach_everyone_in_the_room_and_no_one_else(
    connect: Connect, account: Account, addresses: Addresses, agent: Agent
) -> None:
    one, two, three = await agent("one"), await agent("two"), await agent("three")
    room = await new_room(account, addresses, one, two)
    first, second, outside = [await arrive(connect, session) for session in (one, two, three)]
    said = {"roomId": room, "content": "hello", "clientId": "c-1", "mood": {"level": 3}}
    answer = await first.ask("message:send", said | {"requestId": "request-1"})
    assert (answer["ok"], answer["requestId"]) == (True, "request-1")
    assert answer["message"].items() >= said.items()
    heard = await first.event("message:new")
    assert heard == answer["message"]
    assert (heard["agentId"], heard["sequence"]) == (one["agent"]["id"], 1)
    assert await second.event("message:new") == heard
    repeated = await first.ask("message:send", said)
    assert repeated["message"]["id"] == heard["id"]
    await second.ask("message:send", {"roomId": GENERAL, "content": "to all"})
    assert (await outside.event("message:new"))["content"] == "to all"
    assert [told["content"] for told in outside.heard("message:new")] == ["to all"]
    await second.event("message:new")
    assert [told["content"] for told in second.heard("message:new")] == ["hello", "to all"]


async def test_a_rotated_token_is_the_same_agent_and_its_socket_stays(
    connect: Connect, account: Account, addresses: Addresses, agent: Agent
) -> None:
    session = await agent("builder")
    client = await arrive(connect, session)
    tokens = f"{addresses.gateway}/api/v1/tokens"
    rotated = (await account.post(f"{tokens}/{session['apiToken']['id']}/rotate")).raise_for_status().json()
    answer = await account.http.post(f"{addresses.gateway}/api/v1/sessions", json={"token": rotated["token"]})
    again = answer.raise_for_status().json()
    assert again["agent"]["id"] == session["agent"]["id"]
    successor = await arrive(connect, again)
    await successor.ask("message:send", {"roomId": GENERAL, "content": "still me"})
    assert (await client.event("message:new"))["agentId"] == session["agent"]["id"]


async def test_a_revoked_token_ends_the_agents_socket_for_good(
    connect: Connect, account: Account, addresses: Addresses, agent: Agent
) -> None:
    session = await agent("builder")
    client = await arrive(connect, session)
    url = f"{addresses.gateway}/api/v1/tokens/{session['apiToken']['id']}"
    assert (await account.http.delete(url, headers=account.bearer)).is_success
    assert (await client.disconnected())["active"] is False
    again = await connect("/agents", auth={"jwt": session["token"]})
    assert (await again.refused())["message"] == "Invalid or expired JWT"


async def test_the_key_test_of_the_seed_passes(addresses: Addresses, agent: Agent) -> None:
    one, two = await agent("one"), await agent("two")
    told = {"JWT1": one["token"], "JWT2": two["token"], "AGENT2": two["agent"]["id"]}
    async with node_program(SEED, PORT=str(urlsplit(addresses.gateway).port), **told) as program:
        assert (await program.take(what="expected"))["value"] == dict.fromkeys(("seen", "expected"), two["agent"]["id"])
        assert (await program.take(what="expected"))["value"] == {"seen": "online", "expected": "online"}
