"""Clauses WS-FRAME-*: what is said on a socket, and in which order."""

import asyncio
import json
import time

import pytest
from callboard_testkit.killer_json import KILLERS
from callboard_testkit.suite import Account

VIOLATION = {
    "type": "error",
    "code": "protocol-violation",
    "message": "Invalid message envelope",
    "temporary": False,
}


@pytest.mark.clause("WS-FRAME-1")
@pytest.mark.clause("WS-FRAME-2")
async def test_the_first_frame_says_who_and_where(account: Account) -> None:
    async with account.socket() as client:
        frame = client.connected
    assert frame == {
        "type": "connected",
        "userId": account.user["id"],
        "login": account.login,
        "organizationId": account.organization["id"],
        "role": "owner",
        "connectionId": frame["connectionId"],
        "message": "Welcome to Social WebSocket!",
        "expiresAt": None,
        "channels": [
            {"channel": "org", "position": client.positions["org"], "recovered": None},
            {"channel": "room:general", "position": client.positions["room:general"], "recovered": None},
        ],
    }


@pytest.mark.clause("WS-FRAME-3")
async def test_an_event_is_the_same_bytes_for_every_member(account: Account) -> None:
    async with account.socket() as one, account.socket() as two:
        await account.update("task-1", "RUNNING")
        texts = [await one.receive_text(), await two.receive_text()]
    assert texts[0] == texts[1]
    event = json.loads(texts[0])
    assert set(event) == {"type", "channel", "position", "at", "data"}
    assert event["type"] == "execution-updated"
    assert event["channel"] == "org"


@pytest.mark.clause("WS-FRAME-4")
async def test_events_follow_the_position_told_at_joining(account: Account) -> None:
    await account.update("before", "RUNNING")
    async with account.socket() as client:
        for number in range(10):
            await account.update(f"task-{number}", "RUNNING")
        events = [await client.receive() for _ in range(10)]
    epoch, _, offset = client.positions["org"].partition(":")
    assert [event["position"] for event in events] == [f"{epoch}:{int(offset) + 1 + number}" for number in range(10)]
    assert [event["data"]["taskId"] for event in events] == [f"task-{number}" for number in range(10)]


@pytest.mark.clause("WS-FRAME-5")
@pytest.mark.clause("WS-FRAME-6")
@pytest.mark.parametrize("request_id", ["a", "x" * 128, 0, 7, 2**53 - 1])
async def test_a_reply_names_its_request(account: Account, request_id: str | int) -> None:
    async with account.socket() as client:
        assert await client.ask(type="ping", id=request_id) == {"type": "pong", "replyTo": request_id}
        assert await client.ask(type="ping") == {"type": "pong"}


MALFORMED = [
    "",
    "not json",
    "[]",
    "null",
    '"ping"',
    "{}",
    '{"type": 1}',
    '{"type": "unknown"}',
    '{"type": "ping", "id": -1}',
    '{"type": "ping", "id": true}',
    '{"type": "ping", "surprise": 1}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "channel": 5}',
    '{"type": "subscribe", "channel": "logs", "tail": 1001}',
    '{"type": "chat"}',
    '{"type": "chat", "content": 5}',
    '{"type": "chat", "content": "' + "x" * 20_000 + '"}',
]


@pytest.mark.clause("WS-FRAME-7")
async def test_what_is_malformed_is_an_error_and_the_socket_stays(account: Account) -> None:
    async with account.socket() as client:
        for text in MALFORMED:
            await client.socket.send(text)
            assert await client.receive() == VIOLATION, text
        await client.socket.send(b"\x00binary")
        assert await client.receive() == VIOLATION
        assert await client.hears_nothing()


@pytest.mark.clause("WS-FRAME-7")
async def test_json_that_kills_is_an_error_and_the_socket_stays(account: Account) -> None:
    async with account.socket() as client:
        for killer in KILLERS:
            await client.socket.send('{"type":"chat","content":"x","extra":' + killer.value + "}")
            assert await client.receive() == VIOLATION, killer.name
        assert await client.hears_nothing()


@pytest.mark.clause("WS-FRAME-5")
@pytest.mark.clause("WS-FRAME-7")
@pytest.mark.parametrize("kind", ["subscribe", "unknown"])
@pytest.mark.parametrize("request_id", ["s", 7])
async def test_an_error_names_its_request(account: Account, kind: str, request_id: str | int) -> None:
    async with account.socket() as client:
        assert await client.ask(type=kind, id=request_id) == VIOLATION | {"replyTo": request_id}


@pytest.mark.clause("WS-FRAME-7")
async def test_a_hundred_violations_in_a_minute_close_the_socket(account: Account) -> None:
    async with account.socket() as client:
        for _ in range(100):
            await client.socket.send("nonsense")
        assert await client.closed() == (4508, "protocol violations")


@pytest.mark.clause("WS-FRAME-8")
async def test_a_message_that_is_too_long_closes_the_socket(account: Account) -> None:
    async with account.socket() as client:
        await client.send(type="chat", content="x" * 70_000)
        assert (await client.closed())[0] == 1009


@pytest.mark.clause("WS-FRAME-11")
async def test_a_socket_that_says_too_much_is_read_slowly_and_others_do_not_wait(account: Account) -> None:
    async with account.socket() as calm, account.socket() as noisy:
        started = time.monotonic()
        for number in range(560):
            await noisy.send(type="ping", id=number)
        assert await calm.hears_nothing()
        pongs = [(await noisy.receive())["replyTo"] for _ in range(560)]
    assert pongs == list(range(560))
    assert time.monotonic() - started > 0.8, "500 may come at once, the rest comes 50 a second"


@pytest.mark.clause("WS-FRAME-10")
async def test_replies_and_events_come_in_the_order_in_which_they_happened(account: Account) -> None:
    async with account.socket() as client:
        for number in range(20):
            await client.send(type="chat", content=str(number), id=number)
            await client.send(type="ping", id=number)
        frames = [await client.receive() for _ in range(40)]
    # A chat is published before the ping behind it is read; its echo may come from the bus a moment later, never
    # out of order among the echoes, and the pongs stay in theirs.
    assert [frame["replyTo"] for frame in frames if frame["type"] == "pong"] == list(range(20))
    assert [frame["replyTo"] for frame in frames if frame["type"] == "echo"] == list(range(20))


@pytest.mark.clause("WS-FRAME-10")
async def test_nothing_of_a_channel_comes_before_the_reply_to_its_subscription(account: Account) -> None:
    await account.update("task-1", "RUNNING")

    async def write_lines() -> None:
        for number in range(1, 31):
            body = {"firstLine": number, "lines": [f"line {number}"]}
            answer = await account.post(f"{account.door.producer}/executions/task-1/logs", json=body)
            assert answer.status_code == 200

    async with account.socket() as client:
        writing = asyncio.create_task(write_lines())
        subscribed = await client.ask(type="subscribe", channel="execution:task-1", id="s")
        assert subscribed["type"] == "subscribed"
        last = int(subscribed["position"].partition(":")[2])
        while last < 30:
            event = await client.receive()
            assert event["data"]["firstLine"] == last + 1
            last = int(event["position"].partition(":")[2])
        await writing
