"""The one way out of a native socket: in order, within a bound, and nothing after a close."""

import asyncio
from dataclasses import dataclass

import pytest
from callboard_contracts import close_codes
from callboard_social.wire.connection import MAX_EARLY_BYTES, Connection
from callboard_social.wire.protocol import Batch, Frame

from .connection_stand import Served
from .memory_transport import HIGH_WATER
from .slim_socket_stand import LIMITS, turns
from .virtual_time import in_virtual_time

BIG = Frame("event", "x" * 8 * HIGH_WATER)
ALONE = Frame("event", "x" * 2 * LIMITS.max_waiting)


def event(said: str) -> Frame:
    return Frame("event", said)


@pytest.mark.parametrize("is_open_before", [True, False])
def test_frames_leave_in_the_order_in_which_they_were_put(*, is_open_before: bool) -> None:
    @in_virtual_time
    async def put() -> None:
        served = Served()
        if is_open_before:
            served.open()
        for number in range(3):
            served.connection.enqueue(event(str(number)))
        served.connection.write(Batch([event("3"), event("4")]))
        served.connection.close(close_codes.SESSION_REVOKED)
        if not is_open_before:
            assert served.peer.wire == b""
            served.open()
        assert served.heard() == [*"01234", "4501 session revoked"]

    put()


@in_virtual_time
async def test_nothing_follows_a_close_and_the_first_one_counts() -> None:
    served = Served().open()
    served.connection.close(close_codes.IDENTITY_EXPIRED)
    served.connection.close(close_codes.SESSION_REVOKED)
    served.connection.enqueue(event("late"))
    served.connection.write(Batch([event("late")]))
    assert served.heard() == ["4001 identity expired"]
    assert served.connection.close_code is close_codes.IDENTITY_EXPIRED


@dataclass
class Waiting:
    """What others have for the connection and have not written yet."""

    connection: Connection
    frames: list[Frame]

    def catch_up(self) -> None:
        frames, self.frames = self.frames, []
        if frames:
            self.connection.write(Batch(frames))


@in_virtual_time
async def test_what_happened_before_a_reply_or_a_close_is_written_before_it_and_not_before_a_drop() -> None:
    for end, last in (("reply", ["reply"]), ("close", ["4001 identity expired"])):
        served = Served().open()
        served.connection.follow(Waiting(served.connection, [event("before")]))
        if end == "reply":
            served.connection.enqueue(event("reply"))
        else:
            served.connection.close(close_codes.IDENTITY_EXPIRED)
        assert served.heard() == ["before", *last]
    served = Served().open()
    served.connection.follow(Waiting(served.connection, [event("secret")]))
    served.connection.drop(close_codes.SESSION_REVOKED)
    assert served.heard() == ["4501 session revoked"]


@in_virtual_time
async def test_what_was_behind_a_connection_that_became_too_slow_is_not_written_after_its_close() -> None:
    served = Served().open()
    served.peer.stall()
    served.connection.enqueue(BIG)
    served.connection.enqueue(event("waits"))
    served.connection.follow(Waiting(served.connection, [BIG] * 4))
    served.connection.enqueue(event("reply"))
    assert served.connection.close_code is close_codes.BACK_PRESSURE
    served.peer.read()
    assert served.heard() == [BIG.text, "1008 back-pressure threshold exceeded"]


@in_virtual_time
async def test_a_reader_that_is_too_slow_is_closed_and_nobody_waits_for_it() -> None:
    served = Served().open()
    served.peer.stall()
    served.connection.enqueue(BIG)  # as much as the transport takes
    for _ in range(LIMITS.max_waiting // len(BIG.wire)):
        served.connection.enqueue(BIG)
        assert not served.connection.is_closing
    served.connection.enqueue(BIG)
    assert served.connection.is_closing
    served.peer.read()
    assert served.heard() == [BIG.text, "1008 back-pressure threshold exceeded"]


@in_virtual_time
async def test_a_frame_that_waits_alone_may_be_larger_than_the_bound() -> None:
    served = Served().open()
    served.peer.stall()
    served.connection.enqueue(BIG)
    served.connection.enqueue(ALONE)
    assert not served.connection.is_closing
    served.connection.enqueue(event("y"))
    assert served.connection.is_closing


@in_virtual_time
async def test_what_is_put_in_before_it_opens_is_bounded_too() -> None:
    served = Served()
    for _ in range(MAX_EARLY_BYTES // len(BIG.wire)):
        served.connection.enqueue(BIG)
        assert not served.connection.is_closing
    served.connection.enqueue(BIG)
    assert served.open().heard() == ["1008 back-pressure threshold exceeded"]


@pytest.mark.parametrize("is_open_before", [True, False])
def test_a_dropped_socket_hears_nothing_more(*, is_open_before: bool) -> None:
    @in_virtual_time
    async def drop() -> None:
        served = Served()
        if is_open_before:
            served.open()
            served.peer.stall()
            served.connection.enqueue(BIG)
        served.connection.enqueue(event("secret"))
        served.connection.drop(close_codes.SESSION_REVOKED)
        if not is_open_before:
            served.open()
        served.peer.read()
        assert served.heard() == [*([BIG.text] if is_open_before else []), "4501 session revoked"]

    drop()


@in_virtual_time
async def test_a_socket_that_is_dropped_while_its_close_waits_is_cut() -> None:
    served = Served().open()
    served.peer.stall()
    served.connection.enqueue(BIG)
    served.connection.enqueue(event("secret"))
    served.connection.close(close_codes.SHUTTING_DOWN)
    served.connection.drop(close_codes.SESSION_REVOKED)
    await turns()
    assert (served.peer.is_aborted, served.ends) == (True, 1)


@in_virtual_time
async def test_a_peer_that_vanishes_ends_the_socket() -> None:
    served = Served().open()
    served.peer.go(ConnectionResetError())
    served.connection.enqueue(event("unsendable"))
    await turns()
    served.connection.enqueue(event("unsendable"))
    served.connection.drop(close_codes.SESSION_REVOKED)
    assert served.peer.wire == b""
    assert served.ends == 1


@pytest.mark.parametrize("is_closed_before", [True, False])
def test_a_peer_that_takes_no_close_frame_is_given_up(*, is_closed_before: bool) -> None:
    @in_virtual_time
    async def give_up() -> None:
        served = Served()
        served.peer.stall()
        if is_closed_before:
            served.connection.close(close_codes.SESSION_REVOKED)
        served.open()
        served.connection.enqueue(BIG)
        served.connection.close(close_codes.SESSION_REVOKED)
        await asyncio.sleep(LIMITS.linger - 1)
        assert served.ends == 0
        await asyncio.sleep(2)
        assert served.ends == 1
        assert served.peer.wire == b""

    give_up()
