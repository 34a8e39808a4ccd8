"""Clauses SIO-AGENT-* and PRES-*: who is here, and what they say to each other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from callboard_testkit.native_client import Json
from callboard_testkit.socketio_packets import PacketClient, packet_client
from callboard_testkit.suite import Account


@asynccontextmanager
async def agent(account: Account, token: str | None = None) -> AsyncIterator[tuple[PacketClient, Json]]:
    """A client of ``/agents`` with what it was told first; `token` is a JWT of an agent, else the account's own."""
    async with packet_client(account.door.root, "/agents") as client:
        await client.connect({"jwt": token or account.token})
        name, hello = await client.receive()
        assert name == "agent:hello-ack"
        yield client, hello


async def agent_token(account: Account, name: str) -> str:
    api_token = (await account.api_token(name))["token"]
    answer = await account.http.post(f"{account.door.auth}/api/v1/sessions", json={"token": api_token})
    answer.raise_for_status()
    return str(answer.json()["token"])


async def new_room(account: Account, *members: str) -> str:
    rooms = f"{account.door.social}/api/socials/rooms"
    made = await account.post(rooms, json={"name": "A room"})
    made.raise_for_status()
    room = str(made.json()["id"])
    for member in members:
        added = await account.post(f"{rooms}/{room}/members", json={"userId": member, "role": "member"})
        added.raise_for_status()
    return room


@pytest.mark.clause("SIO-AGENT-1")
@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (None, "Missing JWT in handshake"),
        ({}, "Missing JWT in handshake"),
        ({"jwt": ""}, "Missing JWT in handshake"),
        ({"jwt": "forged"}, "Invalid or expired JWT"),
        ({"jwt": 5}, "Invalid or expired JWT"),
    ],
)
async def test_the_handshakes_errors_have_the_seeds_words(account: Account, auth: Json | None, message: str) -> None:
    async with packet_client(account.door.root, "/agents") as client:
        assert (await client.refused(auth))["message"] == message


@pytest.mark.clause("SIO-AGENT-2")
async def test_the_first_event_says_who_one_is_and_in_which_rooms(account: Account) -> None:
    room = await new_room(account)
    async with agent(account) as (_, hello):
        assert hello == {
            "agentId": account.user["id"],
            "login": account.login,
            "organizationId": account.organization["id"],
            "role": "owner",
            "rooms": ["general", room],
        }


@pytest.mark.clause("SIO-AGENT-3")
async def test_joining_and_leaving_are_acknowledged_and_told(account: Account) -> None:
    room = await new_room(account)
    async with agent(account) as (client, _):
        for asked, told in (("room:leave", "room:left"), ("room:join", "room:joined"), ("room:leave", "room:left")):
            answer, events = await client.ask(asked, {"roomId": room, "requestId": "r-1"})
            assert answer == [{"ok": True, "roomId": room, "requestId": "r-1"}]
            assert [told, {"roomId": room, "requestId": "r-1"}] in events


@pytest.mark.clause("SIO-AGENT-4")
@pytest.mark.parametrize("event", ["room:join", "room:leave", "message:send"])
async def test_another_room_is_forbidden(account: Account, stranger: Account, event: str) -> None:
    theirs = await new_room(stranger)
    async with agent(account) as (client, _):
        for room in (theirs, "no-such-room"):
            asked: dict[str, Any] = {"roomId": room, "requestId": 7}
            if event == "message:send":
                asked["content"] = "x"
            answer, events = await client.ask(event, asked)
            [(_, problem)] = [told for told in events if told[0] == "error"]
            assert answer == [{"ok": False} | problem]
            assert (problem["code"], problem["roomId"], problem["requestId"]) == ("forbidden", room, 7)
            assert problem["temporary"] is False


@pytest.mark.clause("SIO-AGENT-4")
@pytest.mark.parametrize(
    ("event", "code"),
    [
        (["room:join"], "invalid-request"),
        (["room:join", {}], "invalid-request"),
        (["room:join", {"roomId": 5}], "invalid-request"),
        (["message:send", {"roomId": "general"}], "invalid-request"),
        (["cancel-execution", {"taskId": "task-1"}], "unknown-event"),
    ],
)
async def test_what_has_another_form_is_told_so(account: Account, event: list[Any], code: str) -> None:
    async with agent(account) as (client, _):
        [answer], _events = await client.ask(*event)
        assert (answer["ok"], answer["code"]) == (False, code)


@pytest.mark.clause("SIO-AGENT-4")
async def test_a_message_with_bytes_in_it_is_refused(account: Account) -> None:
    async with agent(account) as (client, _):
        place = '{"_placeholder":true,"num":0}'
        for fields in (f'"content":{place}', f'"content":"x","file":{place}'):
            packet = f'51-/agents,["message:send",{{"roomId":"general",{fields}}}]'
            await client.send_packet(packet)
            await client.socket.send(b"\x00\xff")
            assert (await client.receive_until("error"))[1]["code"] == "invalid-request"


@pytest.mark.clause("SIO-AGENT-5")
async def test_two_agents_in_a_room_see_each_other(account: Account) -> None:
    first_token, second_token = await agent_token(account, "first"), await agent_token(account, "second")
    async with agent(account, first_token) as (first, hello):
        async with agent(account, second_token) as (second, other_hello):
            one, other = hello["agentId"], other_hello["agentId"]
            seen = await first.receive_until("presence:update")
            assert seen[1] == {"agentId": other, "status": "online", "roomId": "general"}
            seen = await second.receive_until("presence:update")
            assert seen[1] == {"agentId": one, "status": "online", "roomId": "general"}
            await second.send_packet("1/agents,")
        seen = await first.receive_until("presence:update")
        assert seen[1] == {"agentId": other, "status": "offline", "roomId": "general"}


@pytest.mark.clause("SIO-AGENT-6")
async def test_a_message_is_acknowledged_and_told_to_everybody_in_the_room(account: Account) -> None:
    room = await new_room(account)
    async with agent(account) as (client, hello), account.socket() as native:
        assert (await native.ask(type="subscribe", channel=f"room:{room}"))["type"] == "subscribed"
        asked = {"roomId": room, "content": "hello", "clientId": "c-1", "mood": "good"}
        answer, events = await client.ask("message:send", asked)
        message = answer[0]["message"]
        assert (message["roomId"], message["agentId"], message["content"]) == (room, hello["agentId"], "hello")
        assert (message["clientId"], message["mood"], message["sequence"]) == ("c-1", "good", 1)
        told = [event for event in events if event[0] == "message:new"] or [await client.receive_until("message:new")]
        assert told == [["message:new", message]]
        chat = await native.receive_until("chat")
        assert (chat["data"]["id"], chat["data"]["userId"]) == (message["id"], hello["agentId"])


@pytest.mark.clause("SIO-AGENT-6")
async def test_nobody_speaks_in_anothers_name_or_for_another_room(account: Account) -> None:
    room = await new_room(account)
    forged = dict.fromkeys(("id", "agentId", "userId", "login", "sequence", "at"), "forged")
    async with agent(account) as (client, hello):
        answer, events = await client.ask("message:send", forged | {"roomId": room, "content": "x"})
        told = [event[1] for event in events if event[0] == "message:new"]
        told = told or [(await client.receive_until("message:new"))[1]]
        said = await account.post(
            f"{account.door.social}/api/socials/rooms/{room}/messages", json=forged | {"roomId": "x", "content": "y"}
        )
        assert said.is_success
        told.append((await client.receive_until("message:new"))[1])
    for message in (answer[0]["message"], *told):
        assert (message["agentId"], message["roomId"], message["login"]) == (hello["agentId"], room, account.login)
        assert "forged" not in message.values()


@pytest.mark.clause("SIO-AGENT-4")
async def test_one_socket_is_in_so_many_rooms_and_no_more(account: Account) -> None:
    rooms = f"{account.door.social}/api/socials/rooms"
    async with agent(account) as (client, _):
        answers = []
        for number in range(128):
            made = await account.post(rooms, json={"name": "A room", "id": f"room-{number}"})
            made.raise_for_status()
            answers += (await client.ask("room:join", {"roomId": f"room-{number}"}))[0]
    assert [answer.get("code") for answer in answers] == [None] * 127 + ["channel-limit"]


@pytest.mark.clause("SIO-AGENT-6")
async def test_the_same_message_again_is_the_same_message(account: Account) -> None:
    async with agent(account) as (client, _):
        asked = {"roomId": "general", "content": "once", "clientId": "c-once"}
        first, _events = await client.ask("message:send", asked)
        again, events = await client.ask("message:send", asked)
        assert again == first
        assert [event for event in events if event[0] == "message:new"][1:] == []


@pytest.mark.clause("SIO-AGENT-8")
async def test_who_is_brought_in_and_put_out_is_told(account: Account) -> None:
    token = await agent_token(account, "guest")
    async with agent(account, token) as (guest, hello):
        room = await new_room(account, hello["agentId"])
        async with agent(account) as (owner, _):
            assert (await guest.ask("room:join", {"roomId": room}))[0][0]["ok"]
            out = {"roomId": room, "agentId": hello["agentId"], "role": None}
            members = f"{account.door.social}/api/socials/rooms/{room}/members"
            removed = await account.http.delete(f"{members}/{hello['agentId']}", headers=account.bearer)
            assert removed.is_success
            assert (await guest.receive_until("room:member"))[1] == out
            assert (await owner.receive_until("room:member"))[1] == out
            said, _events = await owner.ask("message:send", {"roomId": room, "content": "among us"})
            assert said[0]["ok"]
            answer, events = await guest.ask("message:send", {"roomId": "general", "content": "still here"})
            assert answer[0]["ok"]
            assert room not in {event[1].get("roomId") for event in events if event[0] == "message:new"}


@pytest.mark.clause("PRES-1")
async def test_who_subscribes_is_told_who_is_here_and_who_comes_and_goes(account: Account) -> None:
    token = await agent_token(account, "colleague")
    async with account.socket() as client:
        joined = await client.ask(type="subscribe", channel="presence")
        assert (joined["type"], joined["channel"]) == ("subscribed", "presence")
        async with agent(account, token) as (_, hello):
            came = (await client.receive_until("presence:update"))["data"]["users"]
            assert came == [{"userId": hello["agentId"], "login": "colleague", "status": "online"}]
            async with account.socket() as second:
                await second.send(type="subscribe", channel="presence")
                there = (await second.receive_until("presence:update"))["data"]["users"]
                assert there == came
            await _.send_packet("1/agents,")
        went = (await client.receive_until("presence:update"))["data"]["users"]
        assert went == [{"userId": hello["agentId"], "login": "colleague", "status": "offline"}]


@pytest.mark.clause("PRES-4")
async def test_who_is_here_can_be_asked_for(account: Account) -> None:
    async with account.socket() as client:
        own = [{"userId": account.user["id"], "login": account.login}]
        answer = await client.ask(type="presence:list", id=1)
        while answer["users"] != own:  # written within a second
            answer = await client.ask(type="presence:list", id=1)
        assert answer == {"type": "presence", "replyTo": 1, "room": None, "users": own}
        for path in ("presence", "rooms/general/presence"):
            listed = await account.get(f"{account.door.social}/api/socials/{path}")
            assert listed.json() == {"users": own}
