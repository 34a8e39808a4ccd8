"""What tests of the standard expect of a server again and again."""

import json

from callboard_testkit.raw_peer import Opcode, RawPeer, frame

SOON = 8.0
"""Seconds; less than the time that a peer has to answer a close."""


def ping(request_id: str) -> bytes:
    """A request whose reply repeats the id."""
    return json.dumps({"type": "ping", "id": request_id}).encode()


async def is_well(peer: RawPeer) -> None:
    """It is answered, and nothing comes before the answer."""
    await peer.send(frame(Opcode.TEXT, ping("is-well")))
    assert (await peer.receive()).json == {"type": "pong", "replyTo": "is-well"}


async def is_cut_off(peer: RawPeer, *codes: int) -> None:
    """The next frame is a close with one of the codes; the server does not wait for an answer to it."""
    received = await peer.receive()
    assert received.opcode is Opcode.CLOSE
    assert received.close_code in codes
    assert await peer.ended(patience=SOON) == b""
