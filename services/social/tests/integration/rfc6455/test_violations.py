"""RFC 6455 on frames that nobody may send: each fails the connection, and no other one."""

from collections.abc import Sequence

import pytest
from callboard_testkit.raw_peer import Opcode, RawPeer, close_frame, frame

from .conftest import Server
from .expectations import SOON, is_cut_off, is_well, ping

VIOLATIONS = {
    "first reserved bit": [frame(Opcode.TEXT, ping("x"), reserved=4)],
    "second reserved bit": [frame(Opcode.TEXT, ping("x"), reserved=2)],
    "third reserved bit": [frame(Opcode.TEXT, ping("x"), reserved=1)],
    "reserved bit of a control frame": [frame(Opcode.PING, reserved=4)],
    "reserved bit of a continuation": [
        frame(Opcode.TEXT, b"{", fin=False),
        frame(Opcode.CONTINUATION, b"}", reserved=4),
    ],
    "no mask": [frame(Opcode.TEXT, ping("x"), mask=None)],
    "no mask on a control frame": [frame(Opcode.PING, mask=None)],
    "control frame of 126 bytes": [frame(Opcode.PING, bytes(126))],
    "close frame of 126 bytes": [close_frame(1000, b"r" * 124)],
    "control frame of 64 KiB": [frame(Opcode.PONG, bytes(65_536))],
    "fragmented control frame": [frame(Opcode.PING, fin=False), frame(Opcode.CONTINUATION)],
    "continuation of nothing": [frame(Opcode.CONTINUATION, ping("x"))],
    "continuation after the last": [
        frame(Opcode.TEXT, b"{", fin=False),
        frame(Opcode.CONTINUATION, b"}"),
        frame(Opcode.CONTINUATION, b"{}"),
    ],
    "text between fragments": [frame(Opcode.TEXT, b"{", fin=False), frame(Opcode.TEXT, ping("x"))],
    "binary between fragments": [frame(Opcode.TEXT, b"{", fin=False), frame(Opcode.BINARY, b"x")],
    "close between fragments of one byte": [frame(Opcode.TEXT, b"{", fin=False), frame(Opcode.CLOSE, b"x")],
}


@pytest.mark.parametrize("frames", VIOLATIONS.values(), ids=VIOLATIONS.keys())
async def test_a_frame_that_breaks_the_standard_fails_the_connection_with_1002(
    server: Server, peer: RawPeer, frames: Sequence[bytes]
) -> None:
    async with server.peer() as offender:
        await offender.send(*frames)
        while (received := await offender.receive()).opcode is not Opcode.CLOSE:
            assert received.json["code"] == "protocol-violation", "only what came before the violation is answered"
        assert received.close_code == 1002
        assert await offender.ended(patience=SOON) == b""
    await is_well(peer)


@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF])
async def test_a_reserved_opcode_fails_the_connection_with_1002(server: Server, opcode: int) -> None:
    async with server.peer() as offender:
        await offender.send(frame(opcode, b"?"))
        await is_cut_off(offender, 1002)


async def test_what_follows_a_violation_is_not_heard(server: Server) -> None:
    async with server.peer() as offender:
        await offender.send(
            frame(Opcode.TEXT, ping("before"))
            + frame(Opcode.TEXT, ping("wrong"), reserved=4)
            + frame(Opcode.TEXT, ping("after"))
            + frame(Opcode.PING)
        )
        heard = []
        while (received := await offender.receive()).opcode is not Opcode.CLOSE:
            heard.append(received.json["replyTo"])
        assert heard in ([], ["before"])
        assert await offender.ended(patience=SOON) == b""
