"""RFC 6455 on the end of a connection: codes, the closing handshake, and peers that do not keep to it."""

import asyncio
import socket
import struct

import pytest
from callboard_contracts import close_codes
from callboard_testkit.raw_peer import Opcode, RawPeer, Received, close_frame, frame
from callboard_testkit.waiting import eventually

from .conftest import Server
from .expectations import SOON, is_cut_off, is_well, ping

VALID = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
LINGER_SECONDS = 10.0
TOO_MANY_VIOLATIONS = 100


@pytest.mark.parametrize("code", VALID)
async def test_a_close_is_answered_with_its_own_code(peer: RawPeer, code: int) -> None:
    await peer.send(close_frame(code, b"done"))
    received = await peer.receive()
    assert received.opcode is Opcode.CLOSE
    assert received.close_code == code
    assert await peer.ended(patience=SOON) == b""


async def test_a_close_without_a_code_is_answered_without_one(peer: RawPeer) -> None:
    await peer.send(frame(Opcode.CLOSE))
    assert await peer.receive() == Received(Opcode.CLOSE, b"")
    assert await peer.ended(patience=SOON) == b""


@pytest.mark.parametrize("code", INVALID)
async def test_a_code_that_may_not_be_sent_fails_the_connection_with_1002(peer: RawPeer, code: int) -> None:
    await peer.send(close_frame(code))
    await is_cut_off(peer, 1002)


async def test_a_close_of_one_byte_fails_the_connection_with_1002(peer: RawPeer) -> None:
    await peer.send(frame(Opcode.CLOSE, b"\x03"))
    await is_cut_off(peer, 1002)


async def test_a_reason_that_is_not_utf_8_fails_the_connection(peer: RawPeer) -> None:
    await peer.send(close_frame(1000, b"\xff\xfe"))
    await is_cut_off(peer, 1002, 1007)


async def test_the_longest_reason_is_fine(peer: RawPeer) -> None:
    await peer.send(close_frame(4000, b"r" * 123))
    assert (await peer.receive()).close_code == 4000
    assert await peer.ended(patience=SOON) == b""


async def test_nothing_is_answered_after_a_close(peer: RawPeer) -> None:
    await peer.send(close_frame(1000) + frame(Opcode.TEXT, ping("late")) + frame(Opcode.PING) + b"\xff" * 100)
    assert (await peer.receive()).close_code == 1000
    assert await peer.ended(patience=SOON) == b""


async def test_two_messages_and_a_close_in_one_segment(server: Server) -> None:
    """What was said before the close may be heard, or not, but in its order; the close counts."""
    async with server.peer() as peer:
        await peer.send(frame(Opcode.TEXT, ping("one")) + frame(Opcode.TEXT, ping("two")) + close_frame(1000))
        heard = []
        while (received := await peer.receive()).opcode is not Opcode.CLOSE:
            heard.append(received.json["replyTo"])
        assert heard == ["one", "two"][: len(heard)]
        assert received.close_code == 1000
        assert await peer.ended(patience=SOON) == b""


async def test_a_close_between_fragments_ends_the_connection(peer: RawPeer) -> None:
    await peer.send(frame(Opcode.TEXT, b"{", fin=False), close_frame(1000))
    await is_cut_off(peer, 1000, 1002)


async def test_a_peer_that_closes_its_half_of_the_connection_is_let_go(server: Server) -> None:
    async with server.peer() as peer:
        peer.socket.shutdown(socket.SHUT_WR)
        await peer.ended(patience=SOON)
        await eventually(lambda: not server.holds(peer), patience=SOON)


async def test_a_peer_that_closes_its_half_between_two_fragments_is_let_go(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(frame(Opcode.TEXT, b"{", fin=False), b"\x80")
        peer.socket.shutdown(socket.SHUT_WR)
        await peer.ended(patience=SOON)
        await eventually(lambda: not server.holds(peer), patience=SOON)


async def test_a_peer_that_resets_the_connection_is_let_go(server: Server, peer: RawPeer) -> None:
    async with server.peer() as brute:
        brute.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await eventually(lambda: server.has_open_sockets(2), patience=20)
        brute.socket.close()
        await eventually(lambda: server.has_open_sockets(1), patience=20)
    await is_well(peer)


async def violate_until_closed(peer: RawPeer) -> None:
    """Be closed by the application; the close frame has been read and is not answered."""
    await peer.send(frame(Opcode.TEXT) * TOO_MANY_VIOLATIONS)
    assert (await peer.close_received()).close_code == close_codes.PROTOCOL_VIOLATIONS.code


async def test_our_close_is_over_when_its_peer_has_answered(server: Server) -> None:
    async with server.peer() as peer:
        await violate_until_closed(peer)
        await peer.send(close_frame(close_codes.PROTOCOL_VIOLATIONS.code))
        assert await peer.ended(patience=SOON) == b""


async def test_a_peer_that_never_answers_our_close_is_cut_off_after_the_linger(server: Server) -> None:
    async with server.peer() as silent, server.peer() as talkative:
        started = asyncio.get_running_loop().time()
        for peer in (silent, talkative):
            await violate_until_closed(peer)
        await talkative.send(frame(Opcode.TEXT, ping("late")), frame(Opcode.PING))
        for peer in (silent, talkative):
            assert await peer.ended(patience=LINGER_SECONDS + 5) in {b"", b"\x8a\x00"}, "at most a pong"
        assert asyncio.get_running_loop().time() - started > LINGER_SECONDS - 1


async def send_until_cut_off(peer: RawPeer) -> None:
    async with asyncio.timeout(LINGER_SECONDS / 2):
        while True:
            await peer.send(frame(Opcode.TEXT, bytes(32_768)))


async def test_who_goes_on_sending_after_our_close_is_cut_off_before_the_linger_is_over(server: Server) -> None:
    async with server.peer() as peer:
        await violate_until_closed(peer)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await send_until_cut_off(peer)
