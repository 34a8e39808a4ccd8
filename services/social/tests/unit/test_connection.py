"""The out-lane of one socket."""

import asyncio
from typing import Any

import pytest
from callboard_contracts import close_codes
from callboard_social.wire import connection as wire
from callboard_social.wire import inbound
from callboard_social.wire.connection import Connection
from callboard_social.wire.lane import MAX_PENDING_BYTES
from callboard_social.wire.protocol import Frame


class Peer:
    """The other end, as ASGI shows it; it reads only while it is let."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.is_gone = False

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        if self.is_gone:
            raise OSError("the peer is gone")
        self.messages.append(message)
        if message["type"] == "websocket.close":
            self.hang_up()

    async def receive(self) -> Any:
        return await self.inbox.get()

    def hang_up(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})


async def ignore(_text: str | None) -> None:
    pass


async def carry(connection: Connection, peer: Peer) -> None:
    async with asyncio.timeout(5):
        await connection.carry(peer.receive, ignore)


async def test_frames_leave_in_the_order_in_which_they_were_put() -> None:
    peer = Peer()
    connection = Connection("c", peer.send)
    for number in range(5):
        connection.enqueue(Frame("event", str(number)))
    connection.close(close_codes.SESSION_REVOKED)
    await carry(connection, peer)
    assert [message.get("text") for message in peer.messages[:-1]] == list("01234")
    assert peer.messages[-1] == {"type": "websocket.close", "code": 4501, "reason": "session revoked"}


async def test_nothing_follows_a_close_and_the_first_one_counts() -> None:
    peer = Peer()
    connection = Connection("c", peer.send)
    connection.close(close_codes.IDENTITY_EXPIRED)
    connection.close(close_codes.SESSION_REVOKED)
    connection.enqueue(Frame("event", "late"))
    await carry(connection, peer)
    assert [message["type"] for message in peer.messages] == ["websocket.close"]
    assert peer.messages[0]["code"] == 4001


async def test_a_reader_that_is_too_slow_is_closed_and_nobody_waits_for_it() -> None:
    peer = Peer()
    peer.reads.clear()
    connection = Connection("c", peer.send)
    frame = Frame("event", "x" * 64 * 1024)
    for _ in range(MAX_PENDING_BYTES // len(frame.text)):
        connection.enqueue(frame)
        assert not connection.is_closing
    connection.enqueue(frame)
    assert connection.is_closing
    peer.reads.set()
    await carry(connection, peer)
    assert peer.messages == [{"type": "websocket.close", "code": 1008, "reason": "back-pressure threshold exceeded"}]


async def test_a_peer_that_vanishes_ends_the_socket() -> None:
    peer = Peer()
    peer.is_gone = True
    connection = Connection("c", peer.send)
    connection.enqueue(Frame("event", "unsendable"))
    peer.hang_up()
    await carry(connection, peer)
    assert peer.messages == []


async def test_a_frame_that_waits_alone_may_be_larger_than_the_bound() -> None:
    peer = Peer()
    connection = Connection("c", peer.send)
    connection.enqueue(Frame("event", "x" * 2 * MAX_PENDING_BYTES))
    assert not connection.is_closing
    connection.enqueue(Frame("event", "y"))
    assert connection.is_closing


async def test_a_dropped_socket_hears_nothing_more() -> None:
    peer = Peer()
    connection = Connection("c", peer.send)
    connection.enqueue(Frame("event", "secret"))
    connection.drop(close_codes.SESSION_REVOKED)
    await carry(connection, peer)
    assert [message["type"] for message in peer.messages] == ["websocket.close"]


@pytest.mark.parametrize("is_closed_before", [True, False])
async def test_a_peer_that_takes_no_close_frame_is_given_up(
    monkeypatch: pytest.MonkeyPatch, *, is_closed_before: bool
) -> None:
    monkeypatch.setattr(wire, "LINGER_SECONDS", 0.05)
    peer = Peer()
    peer.reads.clear()
    connection = Connection("c", peer.send)
    if is_closed_before:
        connection.close(close_codes.SESSION_REVOKED)
    carrying = asyncio.create_task(carry(connection, peer))
    await asyncio.sleep(0)
    connection.close(close_codes.SESSION_REVOKED)
    await carrying
    assert peer.messages == []


async def test_a_flood_is_slowed_down_and_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "BURST_OF_MESSAGES", 100)
    monkeypatch.setattr(inbound, "MESSAGES_PER_SECOND", 1_000.0)
    peer = Peer()
    connection = Connection("c", peer.send)
    for _ in range(200):
        peer.inbox.put_nowait({"type": "websocket.receive", "text": "{}"})
    peer.hang_up()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    started = asyncio.get_running_loop().time()
    await carry(connection, peer)
    waiting.cancel()
    assert asyncio.get_running_loop().time() - started >= 0.09
    assert turns >= 200
    assert peer.messages == []


@pytest.mark.parametrize("message", [{"text": "x" * 65_537}, {"text": "é" * 32_769}, {"bytes": b"x" * 65_537}])
async def test_a_message_that_is_too_big_closes_the_socket(message: dict[str, Any]) -> None:
    peer = Peer()
    connection = Connection("c", peer.send)
    peer.inbox.put_nowait({"type": "websocket.receive", **message})
    await carry(connection, peer)
    assert peer.messages == [{"type": "websocket.close", "code": 1009, "reason": "message too big"}]


async def test_messages_are_handled_one_after_the_other_and_not_after_a_close() -> None:
    peer = Peer()
    connection = Connection("c", peer.send)
    handled: list[str | None] = []

    async def handle(text: str | None) -> None:
        await asyncio.sleep(0)
        handled.append(text)
        if text == "stop":
            connection.close(close_codes.PROTOCOL_VIOLATIONS)

    for message in ({"text": "one"}, {"bytes": b"two"}, {"text": "stop"}, {"text": "unheard"}):
        peer.inbox.put_nowait({"type": "websocket.receive", **message})
    async with asyncio.timeout(5):
        await connection.carry(peer.receive, handle)
    assert handled == ["one", None, "stop"]
