"""How a socket ends: whoever begins it, and whatever waits."""

import asyncio
import gc
import weakref

import pytest
from callboard_social.handoff.frames import text_frame
from callboard_social.handoff.inbound import BURST_OF_MESSAGES
from callboard_social.handoff.slim_socket import MAX_BYTES_AFTER_CLOSE
from callboard_testkit.raw_peer import close_frame, frame
from websockets.frames import Opcode

from .slim_socket_stand import (
    LIMITS,
    Told,
    close_payload,
    open_socket,
    stalled,
    text,
    turns,
)
from .virtual_time import in_virtual_time


@in_virtual_time
async def test_nothing_is_written_after_a_close_and_the_first_close_counts() -> None:
    stand = open_socket()
    stand.socket.close(4001, "first")
    stand.socket.close(4002, "second")
    assert stand.socket.is_closing
    assert stand.socket.write(text_frame("late"))
    assert stand.peer.frames() == [(Opcode.CLOSE, close_payload(4001, "first"))]


@in_virtual_time
async def test_a_close_that_is_answered_ends_at_once() -> None:
    stand = open_socket()
    stand.socket.close(4001)
    stand.peer.send(close_frame(4001))
    await turns()
    assert stand.told.end == (4001, True)
    assert not stand.peer.is_aborted


@pytest.mark.parametrize("reads", [True, False])
def test_a_close_that_nobody_answers_is_followed_by_a_cut(*, reads: bool) -> None:
    @in_virtual_time
    async def close_and_wait() -> None:
        stand = stalled()
        if reads:
            stand.peer.read()
        stand.socket.write(text_frame("before"))
        stand.socket.close(4001)
        await asyncio.sleep(LIMITS.linger - 0.1)
        assert not stand.told.is_over
        await asyncio.sleep(0.2)
        assert stand.told.end == (4001, True)
        assert stand.peer.is_aborted

    close_and_wait()


@pytest.mark.parametrize("waits", [True, False])
def test_a_close_that_needs_no_answer_ends_when_nothing_waits(*, waits: bool) -> None:
    @in_virtual_time
    async def close_and_read() -> None:
        stand = stalled() if waits else open_socket()
        stand.socket.write(text_frame("before"))
        stand.socket.close(4002, is_answered=False)
        stand.peer.read()
        assert stand.peer.frames()[-2:] == [(Opcode.TEXT, b"before"), (Opcode.CLOSE, close_payload(4002))]
        await asyncio.sleep(LIMITS.linger + 1 if waits else 0)
        assert stand.told.end == (4002, True)

    close_and_read()


@in_virtual_time
async def test_a_peer_that_closes_is_answered_and_gets_nothing_that_waited() -> None:
    stand = stalled()
    stand.socket.write(text_frame("too late"))
    stand.peer.send(text("last words") + close_frame(1000, b"bye"))
    stand.peer.read()
    await turns()
    assert stand.peer.frames()[1:] == [(Opcode.CLOSE, close_payload(1000, "bye"))]
    assert stand.told == Told(["last words"], 0, (1000, False))
    assert not stand.peer.is_aborted


@in_virtual_time
async def test_a_peer_that_closes_and_never_takes_the_answer_is_cut() -> None:
    stand = stalled()
    stand.peer.send(close_frame(1000))
    await asyncio.sleep(LIMITS.linger + 1)
    assert stand.peer.is_aborted
    assert stand.told.end == (1000, False)


@in_virtual_time
async def test_a_close_does_not_wait_until_a_slowed_down_peer_may_speak_again() -> None:
    stand = open_socket()
    stand.peer.send(b"".join(text("x") for _ in range(700)))
    await turns(20)
    stand.socket.close(4001)
    stand.peer.send(close_frame(4001))
    await asyncio.sleep(0.1)
    assert stand.told.end == (4001, True)


@in_virtual_time
async def test_a_peer_that_goes_on_talking_after_our_close_is_cut_before_the_linger() -> None:
    stand = open_socket()
    stand.socket.close(4001)
    for _ in range(MAX_BYTES_AFTER_CLOSE // 1000 + 2):
        stand.peer.send(text("x" * 1000))
        await turns(1)
    await turns()
    assert stand.peer.is_aborted
    assert stand.told.end == (4001, True)


@in_virtual_time
async def test_a_peer_that_floods_after_our_close_is_cut_at_once() -> None:
    stand = open_socket()
    stand.socket.close(4001)
    pings = b"".join(frame(Opcode.PING, b"") for _ in range(500))
    assert len(pings) < MAX_BYTES_AFTER_CLOSE
    stand.peer.send(pings)
    await turns(10)
    assert stand.peer.is_aborted


@in_virtual_time
async def test_a_server_that_ends_says_so() -> None:
    stand = open_socket()
    stand.socket.shutdown()
    assert stand.peer.frames() == [(Opcode.CLOSE, close_payload(1001, "server shutting down"))]


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_a_peer_that_is_gone_without_a_close_is_lost_once(error: Exception | None) -> None:
    @in_virtual_time
    async def be_gone() -> None:
        stand = open_socket()
        assert stand.connections == {stand.socket}
        stand.peer.go(error)
        await turns()
        assert stand.told.end == (1006, False)
        assert stand.connections == set()

    be_gone()


@in_virtual_time
async def test_a_socket_that_is_lost_takes_every_call_in_silence() -> None:
    stand = open_socket()
    stand.socket.pause_reading()
    stand.peer.go()
    await turns()
    assert stand.socket.is_closing
    assert stand.socket.write(text_frame("late"))
    stand.socket.forget()
    stand.socket.close(4001)
    stand.socket.pause_reading()
    stand.socket.resume_reading()
    stand.socket.shutdown()
    stand.socket.abort()
    assert stand.peer.wire == b""


@in_virtual_time
async def test_nothing_is_told_after_the_end_however_much_is_unread() -> None:
    """The receiver cuts the connection in the middle of what came in one read; the rest was to come in a later turn."""
    told = Told()
    stand = open_socket(told=told)
    stand.peer.send(b"".join(text(str(number) * 1000) for number in range(10)))
    stand.socket.abort()
    await turns(20)
    assert told.end == (1006, False)


@in_virtual_time
async def test_a_slowed_down_peer_that_is_gone_is_not_read_any_more() -> None:
    stand = open_socket()
    stand.peer.send(b"".join(text("x") for _ in range(600)))
    await turns(20)
    assert not stand.peer.is_reading()
    stand.peer.go(ConnectionResetError())
    await asyncio.sleep(60)
    assert stand.told.end == (1006, False)


@in_virtual_time
async def test_a_socket_that_is_over_needs_no_garbage_collection() -> None:
    gc.disable()
    try:
        stand = open_socket()
        told = weakref.ref(stand.told)
        stand.peer.go()
        await turns()
        del stand
        assert told() is None
    finally:
        gc.enable()


@in_virtual_time
async def test_a_receiver_that_closes_in_the_middle_of_a_flood_is_still_told_in_order() -> None:
    class Closes(Told):
        def received(self, message: str | bytes) -> None:
            super().received(message)
            if len(self.messages) == BURST_OF_MESSAGES + 5:
                stand.socket.close(4001)

    stand = open_socket(told=Closes())
    stand.peer.send(b"".join(text(str(number)) for number in range(1000)))
    await turns(40)
    assert [int(message) for message in stand.told.messages] == list(range(len(stand.told.messages)))
    assert len(stand.told.messages) > BURST_OF_MESSAGES + 5
