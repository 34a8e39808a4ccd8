"""What a socket reads and tells: whole messages, in turns, and not more than it may."""

import asyncio
from itertools import pairwise

import pytest
from callboard_social.handoff.frames import text_frame
from callboard_social.handoff.inbound import BURST_OF_MESSAGES, MESSAGES_PER_SECOND
from callboard_testkit.raw_peer import frame
from callboard_testkit.waiting import eventually
from websockets.frames import Opcode

from .slim_socket_stand import (
    LIMITS,
    MAX_MESSAGE,
    Told,
    close_payload,
    open_socket,
    ping,
    stalled,
    text,
    turns,
)
from .virtual_time import in_virtual_time


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (frame(Opcode.TEXT, b"\xff"), 1007),
        (frame(Opcode.TEXT, "é".encode()[:1], fin=False) + frame(Opcode.CONT, b"x"), 1007),
        (frame(Opcode.TEXT, b"x", reserved=4), 1002),
        (frame(Opcode.TEXT, b"x", mask=None), 1002),
        (frame(Opcode.CONT, b"x"), 1002),
        (frame(Opcode.TEXT, b"x", fin=False) + frame(Opcode.TEXT, b"y"), 1002),
        (frame(Opcode.BINARY, bytes(MAX_MESSAGE + 1)), 1009),
        (frame(Opcode.BINARY, bytes(MAX_MESSAGE), fin=False) + frame(Opcode.CONT, b"x"), 1009),
    ],
)
def test_a_peer_that_breaks_the_rules_is_told_which_and_heard_no_more(wire: bytes, code: int) -> None:
    @in_virtual_time
    async def break_them() -> None:
        stand = open_socket()
        stand.peer.send(text("before") + wire + text("after"))
        await turns(100)
        [(opcode, payload)] = stand.peer.frames()
        assert (opcode, payload[:2]) == (Opcode.CLOSE, close_payload(code))
        assert stand.told.messages == ["before"]
        assert stand.peer.has_sent_eof
        assert not stand.told.is_over, "a close now, with something unread, would be a reset"
        stand.peer.send(text("goes on"))
        await asyncio.sleep(LIMITS.linger + 1)
        assert stand.told == Told(["before"], 0, (code, True))
        assert stand.peer.is_aborted

    break_them()


@in_virtual_time
async def test_a_failure_behind_a_slow_peer_is_told_it_after_what_waits() -> None:
    stand = stalled()
    stand.socket.write(text_frame("before"))
    stand.peer.send(frame(Opcode.TEXT, b"\xff"))
    assert stand.peer.wire == b""
    stand.peer.read()
    assert [opcode for opcode, _ in stand.peer.frames()] == [Opcode.TEXT, Opcode.TEXT, Opcode.CLOSE]
    assert stand.peer.has_sent_eof
    stand.peer.go()
    await turns()
    assert stand.told.end == (1007, True)


@in_virtual_time
async def test_pings_are_answered_in_the_middle_of_a_message_and_pongs_are_not_told() -> None:
    stand = open_socket()
    first, second = "häl".encode()[:2], "häl".encode()[2:]
    stand.peer.send(frame(Opcode.TEXT, first, fin=False) + ping(b"1"))
    assert stand.peer.frames() == [(Opcode.PONG, b"1")]
    stand.peer.send(frame(Opcode.PONG) + frame(Opcode.CONT, second) + frame(Opcode.BINARY, b"\xff"))
    assert stand.told.messages == ["häl", b"\xff"]


@in_virtual_time
async def test_a_large_read_is_handled_in_pieces_between_which_others_have_their_turn() -> None:
    count = 150
    stand = open_socket()
    rounds: list[int] = []

    async def others() -> None:
        while len(stand.told.messages) < count:
            rounds.append(len(stand.told.messages))
            await asyncio.sleep(0)

    stand.peer.send(b"".join(text(f"{number:0300}") for number in range(count)))
    await others()
    assert [int(message) for message in stand.told.messages] == list(range(count))
    assert max(after - before for before, after in pairwise(rounds)) < 50


@in_virtual_time
async def test_a_flood_is_read_more_slowly_and_nothing_of_it_is_lost() -> None:
    stand = open_socket()
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(600):
        stand.peer.send(text(str(number)))
    assert not stand.peer.is_reading()
    allowed = len(stand.told.messages)
    assert BURST_OF_MESSAGES <= allowed < 550
    await eventually(lambda: len(stand.told.messages) == 600, patience=3600)
    assert loop.time() - started >= (600 - allowed) / MESSAGES_PER_SECOND
    assert [int(message) for message in stand.told.messages] == list(range(600))


@in_virtual_time
async def test_what_comes_while_the_receiver_is_busy_is_told_when_it_is_not() -> None:
    stand = open_socket()
    stand.socket.pause_reading()
    stand.peer.send(text("one"))
    await turns()
    assert stand.told.messages == []
    stand.socket.resume_reading()
    await turns()
    assert stand.told.messages == ["one"]
    stand.peer.send(text("two"))
    assert stand.told.messages == ["one", "two"]


@in_virtual_time
async def test_a_receiver_that_becomes_busy_gets_at_most_what_came_in_one_piece() -> None:
    class Busy(Told):
        def received(self, message: str | bytes) -> None:
            super().received(message)
            stand.socket.pause_reading()

    stand = open_socket(told=Busy())
    stand.peer.send(b"".join(text("x" * 1000) for _ in range(50)))
    await turns(20)
    before = len(stand.told.messages)
    assert 1 <= before <= 5
    stand.socket.resume_reading()
    await turns(20)
    assert before < len(stand.told.messages) <= before + 5
