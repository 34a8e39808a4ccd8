"""RFC 6455 on messages: fragments, control frames between them, text, and size."""

import json
import struct

import pytest
from callboard_contracts import close_codes
from callboard_contracts.native import MAX_INBOUND_BYTES
from callboard_testkit.raw_peer import Opcode, RawPeer, frame
from callboard_testkit.waiting import eventually

from .conftest import Server
from .expectations import is_cut_off, is_well, ping

SNOWMAN = "☃ of\U0001f600"


async def test_a_fragmented_message_is_joined(peer: RawPeer) -> None:
    message = ping("one")
    parts = (message[:3], message[3:4], message[4:])
    await peer.send(
        frame(Opcode.TEXT, parts[0], fin=False),
        frame(Opcode.CONTINUATION, parts[1], fin=False),
        frame(Opcode.CONTINUATION, parts[2]),
    )
    assert (await peer.receive()).json == {"type": "pong", "replyTo": "one"}


async def test_many_tiny_fragments_are_one_message(peer: RawPeer) -> None:
    message = ping("many").ljust(150)
    first, *between, last = (message[at : at + 1] for at in range(len(message)))
    await peer.send(
        frame(Opcode.TEXT, first, fin=False)
        + b"".join(frame(Opcode.CONTINUATION, part, fin=False) for part in between)
        + frame(Opcode.CONTINUATION, last)
    )
    assert (await peer.receive()).json == {"type": "pong", "replyTo": "many"}


async def test_fragments_without_a_byte_are_nothing_wrong(peer: RawPeer) -> None:
    await peer.send(
        frame(Opcode.TEXT, b"", fin=False),
        frame(Opcode.CONTINUATION, ping("hollow"), fin=False),
        frame(Opcode.CONTINUATION, b"", fin=False),
        frame(Opcode.CONTINUATION, b""),
    )
    assert (await peer.receive()).json == {"type": "pong", "replyTo": "hollow"}


async def test_a_ping_between_fragments_is_answered_before_the_message_is_whole(peer: RawPeer) -> None:
    message, payload = ping("split"), bytes(range(125))
    await peer.send(frame(Opcode.TEXT, message[:5], fin=False), frame(Opcode.PING, payload))
    assert await peer.receive() == (Opcode.PONG, payload)
    await peer.send(frame(Opcode.CONTINUATION, message[5:]))
    assert (await peer.receive()).json["replyTo"] == "split"


async def test_a_ping_without_a_payload_is_answered_without_one(peer: RawPeer) -> None:
    await peer.send(frame(Opcode.PING))
    assert await peer.receive() == (Opcode.PONG, b"")


async def test_a_pong_that_nobody_asked_for_is_ignored(peer: RawPeer) -> None:
    message = ping("calm")
    await peer.send(
        frame(Opcode.PONG, b"unasked"),
        frame(Opcode.TEXT, message[:5], fin=False),
        frame(Opcode.PONG),
        frame(Opcode.CONTINUATION, message[5:]),
    )
    assert (await peer.receive()).json["replyTo"] == "calm"


async def test_a_code_point_that_is_split_over_fragments_is_whole_again(peer: RawPeer) -> None:
    message = json.dumps({"type": "ping", "id": SNOWMAN}, ensure_ascii=False).encode()
    first, *between, last = (message[at : at + 1] for at in range(len(message)))
    await peer.send(
        frame(Opcode.TEXT, first, fin=False),
        *(frame(Opcode.CONTINUATION, part, fin=False) for part in between),
        frame(Opcode.CONTINUATION, last),
    )
    assert (await peer.receive()).json == {"type": "pong", "replyTo": SNOWMAN}


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", "☃".encode()[:2]],
    ids=["never a byte", "no continuation", "surrogate", "beyond Unicode", "overlong", "cut short"],
)
async def test_text_that_is_not_utf_8_closes_with_1007(server: Server, text: bytes) -> None:
    async with server.peer() as peer:
        await peer.send(frame(Opcode.TEXT, b'{"type":"ping","id":"' + text + b'"}'))
        await is_cut_off(peer, 1007)


async def test_a_code_point_that_its_next_fragment_spoils_closes_with_1007(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(
            frame(Opcode.TEXT, b'{"type":"ping","id":"\xe2\x98', fin=False),
            frame(Opcode.CONTINUATION, b'("}'),
        )
        await is_cut_off(peer, 1007)


async def test_a_binary_message_is_a_violation_of_ours_and_not_of_the_standard(peer: RawPeer) -> None:
    await peer.send(frame(Opcode.BINARY, b"\xff\xfe"))
    assert (await peer.receive()).json["code"] == "protocol-violation"
    await is_well(peer)


async def test_an_empty_message_is_a_violation_of_ours_and_not_of_the_standard(peer: RawPeer) -> None:
    await peer.send(frame(Opcode.TEXT), frame(Opcode.BINARY))
    for _ in range(2):
        assert (await peer.receive()).json["code"] == "protocol-violation"
    await is_well(peer)


@pytest.mark.clause("WS-FRAME-8")
async def test_a_message_of_just_64_kib_is_heard(server: Server) -> None:
    async with server.peer() as peer:
        message = ping("just").ljust(MAX_INBOUND_BYTES)
        await peer.send(frame(Opcode.TEXT, message))
        assert (await peer.receive()).json["replyTo"] == "just"
        await peer.send(frame(Opcode.TEXT, message[:40_000], fin=False), frame(Opcode.CONTINUATION, message[40_000:]))
        assert (await peer.receive()).json["replyTo"] == "just"


@pytest.mark.clause("WS-FRAME-8")
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
async def test_a_message_over_64_kib_closes_with_1009(server: Server, opcode: Opcode) -> None:
    async with server.peer() as peer:
        await peer.send(frame(opcode, ping("big").ljust(MAX_INBOUND_BYTES + 1)))
        assert (await peer.close_received()).close_code == close_codes.MESSAGE_TOO_BIG.code


@pytest.mark.clause("WS-FRAME-8")
async def test_fragments_that_are_over_64_kib_together_close_with_1009(server: Server) -> None:
    async with server.peer() as peer:
        message = ping("sum").ljust(MAX_INBOUND_BYTES + 1)
        await peer.send(
            frame(Opcode.TEXT, message[:40_000], fin=False),
            frame(Opcode.CONTINUATION, message[40_000:], fin=False),
            frame(Opcode.CONTINUATION),
        )
        assert (await peer.close_received()).close_code == close_codes.MESSAGE_TOO_BIG.code


@pytest.mark.clause("WS-FRAME-8")
async def test_a_length_that_nobody_would_send_is_not_waited_for(server: Server) -> None:
    """Only the head of the frame is there; who waited for the rest would keep room for it."""
    async with server.peer() as peer:
        await peer.send(b"\x81\xff" + struct.pack("!Q", 2**62) + b"mask")
        assert (await peer.close_received()).close_code == close_codes.MESSAGE_TOO_BIG.code


async def test_bytes_that_come_one_by_one_are_frames_all_the_same(server: Server, peer: RawPeer) -> None:
    message = ping("dribble")
    wire = (
        frame(Opcode.TEXT, message[:7], fin=False) + frame(Opcode.PING, b"p") + frame(Opcode.CONTINUATION, message[7:])
    )
    for at in range(len(wire)):
        await peer.send(wire[at : at + 1])
        await eventually(lambda: server.has_read_all_of(peer))
    assert await peer.receive() == (Opcode.PONG, b"p")
    assert (await peer.receive()).json["replyTo"] == "dribble"
