"""What a socket writes: in order, within a bound, or not at all."""

from callboard_social.handoff.frames import text_frame
from callboard_social.handoff.slim_socket import LEAST_WEIGHT
from callboard_testkit.waiting import eventually
from websockets.frames import Opcode

from .memory_transport import HIGH_WATER
from .slim_socket_stand import (
    BIG,
    LIMITS,
    close_payload,
    open_socket,
    ping,
    stalled,
    turns,
)
from .virtual_time import in_virtual_time


@in_virtual_time
async def test_frames_for_a_peer_that_reads_go_out_at_once() -> None:
    stand = open_socket()
    assert stand.socket.write(text_frame("one") + text_frame("two"))
    assert stand.peer.frames() == [(Opcode.TEXT, b"one"), (Opcode.TEXT, b"two")]


@in_virtual_time
async def test_what_waits_goes_out_in_the_order_in_which_it_came_pongs_and_the_close_included() -> None:
    stand = stalled()
    stand.socket.write(text_frame("one"))
    stand.peer.send(ping(b"two"))
    stand.socket.write(text_frame("three"))
    stand.socket.close(4001, "four")
    assert stand.peer.wire == b""
    stand.peer.read()
    assert stand.peer.frames()[1:] == [
        (Opcode.TEXT, b"one"),
        (Opcode.PONG, b"two"),
        (Opcode.TEXT, b"three"),
        (Opcode.CLOSE, close_payload(4001, "four")),
    ]


@in_virtual_time
async def test_a_peer_that_stops_again_in_the_middle_gets_the_rest_later() -> None:
    stand = stalled()
    for _ in range(3):
        assert stand.socket.write(BIG)
    stand.peer.is_stalled = True
    stand.socket.resume_writing()  # the kernel took some; the next write fills it again
    assert stand.peer.wire == b""
    stand.peer.read()
    assert len(stand.peer.frames()) == 4


@in_virtual_time
async def test_writing_that_was_paused_before_the_hand_off_stays_paused() -> None:
    stand = open_socket(is_paused=True)
    stand.socket.write(text_frame("waits"))
    assert stand.peer.wire == b""
    stand.socket.resume_writing()
    assert stand.peer.frames() == [(Opcode.TEXT, b"waits")]


@in_virtual_time
async def test_what_waits_is_bounded_by_its_bytes() -> None:
    stand = stalled()
    size = LIMITS.max_waiting // 4
    assert all(stand.socket.write(b"x" * size) for _ in range(4))
    assert not stand.socket.write(b"x")


@in_virtual_time
async def test_the_smallest_writes_count_for_the_memory_that_they_take() -> None:
    stand = stalled()
    assert all(stand.socket.write(b"x") for _ in range(LIMITS.max_waiting // LEAST_WEIGHT))
    assert not stand.socket.write(b"x")


@in_virtual_time
async def test_one_write_that_waits_alone_may_be_larger_than_the_bound() -> None:
    stand = stalled()
    assert stand.socket.write(b"x" * 2 * LIMITS.max_waiting)
    assert not stand.socket.write(b"y")


@in_virtual_time
async def test_what_has_been_read_counts_no_more() -> None:
    stand = stalled()
    assert stand.socket.write(b"x" * LIMITS.max_waiting)
    stand.peer.read()
    stand.peer.stall()
    assert stand.socket.write(BIG)
    assert all(stand.socket.write(b"x" * (LIMITS.max_waiting // 4)) for _ in range(4))


@in_virtual_time
async def test_pongs_for_a_peer_that_does_not_read_are_bounded_too() -> None:
    stand = stalled()
    pings = 2 * LIMITS.max_waiting // LEAST_WEIGHT
    for _ in range(pings):
        stand.peer.send(ping(b"x" * LEAST_WEIGHT))
    await eventually(lambda: not stand.peer.has_unread, patience=3600)
    stand.peer.read()
    assert len(stand.peer.wire) <= len(BIG) + LIMITS.max_waiting + HIGH_WATER
    stand.peer.send(ping(b"again"))
    await eventually(lambda: stand.peer.frames()[-1] == (Opcode.PONG, b"again"), patience=3600)


@in_virtual_time
async def test_what_is_forgotten_is_not_sent_and_what_was_begun_is_sent_whole() -> None:
    stand = stalled()
    stand.socket.write(text_frame("secret"))
    stand.socket.forget()
    stand.socket.close(4501, "session revoked")
    stand.peer.read()
    assert stand.peer.frames() == [
        (Opcode.TEXT, b"x" * HIGH_WATER),
        (Opcode.CLOSE, close_payload(4501, "session revoked")),
    ]


@in_virtual_time
async def test_a_socket_whose_close_still_waits_is_cut_when_it_has_to_forget() -> None:
    stand = stalled()
    stand.socket.write(text_frame("secret"))
    stand.socket.close(1001)
    stand.socket.forget()
    await turns()
    assert stand.peer.is_aborted
    assert stand.told.end == (1001, True)
