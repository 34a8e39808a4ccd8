"""Peers that are gone without a word: pings find them out, within an interval and the time to answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from callboard_contracts import close_codes
from callboard_testkit.raw_peer import Opcode, RawPeer, close_frame, frame
from callboard_testkit.waiting import eventually

from .conftest import PING_INTERVAL, PING_TIMEOUT, Server
from .expectations import SOON, ping

DEADLINE = PING_INTERVAL + PING_TIMEOUT
SLACK = 6.0
LINGER_SECONDS = 10.0


@pytest.fixture
async def peer(pinging: Server) -> AsyncIterator[RawPeer]:
    async with pinging.peer() as peer:
        yield peer


async def test_a_peer_that_answers_no_ping_is_closed_with_4002(peer: RawPeer) -> None:
    started = asyncio.get_running_loop().time()
    received = await peer.receive()
    assert received.opcode is Opcode.PING
    received = await peer.close_received()
    assert (received.close_code, received.close_reason) == (close_codes.NO_PONG.code, close_codes.NO_PONG.reason)
    assert asyncio.get_running_loop().time() - started < DEADLINE + SLACK
    await peer.send(close_frame(close_codes.NO_PONG.code))
    assert await peer.ended(patience=SOON) == b""


async def test_a_peer_that_answers_pings_stays(peer: RawPeer) -> None:
    for _ in range(4):
        received = await peer.receive()
        assert received.opcode is Opcode.PING
        await peer.send(frame(Opcode.PONG, received.payload))
    await peer.send(frame(Opcode.TEXT, ping("still here")))
    while (received := await peer.receive()).opcode is Opcode.PING:
        await peer.send(frame(Opcode.PONG, received.payload))
    assert received.json["replyTo"] == "still here"


async def test_a_peer_that_has_disappeared_without_a_fin_is_given_up_after_the_linger(
    pinging: Server, peer: RawPeer
) -> None:
    """It reads nothing and sends nothing, not even the end of its connection."""
    await eventually(lambda: not pinging.holds(peer), patience=DEADLINE + LINGER_SECONDS + SLACK)


async def test_half_a_frame_is_no_sign_that_the_peer_is_gone_for_good(peer: RawPeer) -> None:
    """It is found out all the same, by the ping that it does not answer."""
    await peer.send(frame(Opcode.TEXT, ping("never whole"))[:-1])
    assert (await peer.close_received()).close_code == close_codes.NO_PONG.code
