"""Clauses ROOM-*: what people say to each other. That viewers only read is in social's own tests."""

import pytest
from callboard_testkit.suite import Account


@pytest.mark.clause("ROOM-1")
@pytest.mark.parametrize("kind", ["chat", "message"])
async def test_a_chat_reaches_everybody_in_the_room(account: Account, kind: str) -> None:
    async with account.socket() as sender, account.socket() as other:
        await sender.send(type=kind, content="Bonjour !", clientId="c-1", timestamp="2026-01-01", nested={"a": [1]})
        event = await other.receive()
    assert event["type"] == "chat"
    assert event["channel"] == "room:general"
    assert event["data"] == {
        "id": event["data"]["id"],
        "userId": account.user["id"],
        "login": account.login,
        "content": "Bonjour !",
        "clientId": "c-1",
        "timestamp": "2026-01-01",
        "nested": {"a": [1]},
        "sequence": event["data"]["sequence"],
    }


@pytest.mark.clause("ROOM-1")
async def test_nobody_can_speak_in_anothers_name(account: Account) -> None:
    async with account.socket() as client:
        await client.send(type="chat", content="x", userId="forged", login="forged", room="general")
        data = (await client.receive())["data"]
    assert (data["userId"], data["login"], data["content"]) == (account.user["id"], account.login, "x")


@pytest.mark.clause("ROOM-2")
async def test_only_the_sender_gets_the_echo(account: Account) -> None:
    async with account.socket() as sender, account.socket() as other:
        await sender.send(type="chat", content="one", id=5)
        await sender.send(type="chat", content="two")
        echoes = [await sender.receive(), await sender.receive()]
        chats = [await other.receive(), await other.receive()]
    assert [(echo["type"], echo.get("replyTo")) for echo in echoes] == [("echo", 5), ("echo", None)]
    assert [chat["type"] for chat in chats] == ["chat", "chat"]
    assert all("replyTo" not in chat for chat in chats)
    assert [echo["position"] for echo in echoes] == [chat["position"] for chat in chats]
    assert [echo["data"] for echo in echoes] == [chat["data"] for chat in chats]


@pytest.mark.clause("CHANNEL-8")
@pytest.mark.parametrize(
    ("room", "code"), [("other", "forbidden"), ("a b", "unknown-channel"), ("", "unknown-channel")]
)
async def test_a_room_one_is_not_in_is_refused(account: Account, room: str, code: str) -> None:
    async with account.socket() as client:
        assert (await client.ask(type="chat", content="x", room=room))["code"] == code
