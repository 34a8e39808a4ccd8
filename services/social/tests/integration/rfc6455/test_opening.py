"""What comes before the upgrade is answered: a client has to wait, and some do not."""

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from callboard_testkit.raw_peer import Ended, Opcode, RawPeer, close_frame, frame, raw_connection, upgrade_request
from callboard_testkit.waiting import eventually

from .conftest import Server
from .expectations import is_well, ping

EARLY = {
    "ping": frame(Opcode.PING, b"now"),
    "close": close_frame(1000),
    "violation": frame(Opcode.TEXT, b"{}", mask=None),
    "bad text": frame(Opcode.TEXT, b"\xff"),
}


@pytest.fixture
async def undecided(server: Server) -> AsyncIterator[RawPeer]:
    """Its upgrade has been read and is not answered: joining a channel waits for Redis, until it is thawed."""
    server.redis.freeze()
    try:
        async with raw_connection(server.process.url) as peer:
            await peer.send(upgrade_request(server.process.socket_url, server.token()))
            await eventually(lambda: server.has_read_all_of(peer))
            yield peer
    finally:
        server.redis.thaw()


async def test_frames_that_come_while_the_upgrade_is_judged_are_heard_afterwards(
    server: Server, undecided: RawPeer
) -> None:
    message = ping("early")
    await undecided.send(frame(Opcode.TEXT, ping("first")), frame(Opcode.TEXT, message[:4], fin=False))
    await eventually(lambda: server.has_read_all_of(undecided))
    server.redis.thaw()
    assert (await undecided.head()).startswith(b"HTTP/1.1 101 ")
    assert (await undecided.receive()).json["type"] == "connected"
    assert (await undecided.receive()).json["replyTo"] == "first"
    await undecided.send(frame(Opcode.CONTINUATION, message[4:]))
    assert (await undecided.receive()).json["replyTo"] == "early"


@pytest.mark.parametrize("early", EARLY.values(), ids=EARLY.keys())
async def test_nothing_is_sent_before_the_answer_to_the_upgrade(
    server: Server, undecided: RawPeer, early: bytes
) -> None:
    """A frame in front of it would be no HTTP; the server may also just hang up."""
    await undecided.send(early)
    await eventually(lambda: not server.holds(undecided) or server.has_read_all_of(undecided))
    server.redis.thaw()
    with suppress(Ended):
        assert (await undecided.head()).startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("is_reset", [False, True], ids=["it closes", "it resets"])
async def test_a_peer_that_goes_while_the_upgrade_is_judged_leaves_nothing_behind(
    server: Server, peer: RawPeer, undecided: RawPeer, *, is_reset: bool
) -> None:
    if is_reset:
        undecided.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    undecided.socket.close()
    server.redis.thaw()
    await eventually(lambda: server.has_open_sockets(1), patience=20)
    await is_well(peer)
