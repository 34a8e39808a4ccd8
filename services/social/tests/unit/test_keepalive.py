"""Who does not answer pings is noticed, with one timer for all."""

import asyncio
from dataclasses import replace
from itertools import pairwise

from callboard_social.handoff.wheel import Wheel
from callboard_testkit.raw_peer import frame
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode

from .slim_socket_stand import LIMITS, Stand, Told, open_socket
from .virtual_time import in_virtual_time

STEP, INTERVAL, TIMEOUT = 1.0, 25.0, 10.0
PING = (Opcode.PING, b"")
PONG = frame(Opcode.PONG)


def watched(told: Told | None = None) -> Stand:
    limits = replace(LIMITS, ping_interval=INTERVAL, ping_timeout=TIMEOUT, wheel=Wheel(STEP))
    return open_socket(limits, told=told)


async def next_ping(stand: Stand, patience: float = INTERVAL + 2 * STEP) -> float:
    """Seconds until it comes."""
    before, loop = len(stand.peer.frames()), asyncio.get_running_loop()
    started = loop.time()
    while len(stand.peer.frames()) == before:
        assert loop.time() - started <= patience
        await asyncio.sleep(0.1)
    assert stand.peer.frames()[-1] == PING
    return loop.time() - started


@in_virtual_time
async def test_a_peer_is_pinged_within_an_interval_and_then_once_in_each() -> None:
    stand = watched()
    assert await next_ping(stand) >= INTERVAL / 2
    for _ in range(5):
        stand.peer.send(PONG)
        assert await next_ping(stand, INTERVAL + 3 * STEP) >= INTERVAL
    assert stand.told.silences == 0


@in_virtual_time
async def test_a_peer_that_lets_a_pings_time_pass_is_reported_once_and_pinged_no_more() -> None:
    stand = watched()
    await next_ping(stand)
    await asyncio.sleep(TIMEOUT - 0.1)
    assert stand.told.silences == 0
    await asyncio.sleep(STEP + 0.2)
    assert stand.told.silences == 1
    await asyncio.sleep(10 * INTERVAL)
    assert (stand.told.silences, stand.peer.frames()) == (1, [PING])


@in_virtual_time
async def test_whatever_comes_after_a_ping_is_a_sign_of_life() -> None:
    stand = watched()
    for sign in (frame(Opcode.TEXT, b"here"), frame(Opcode.PING), frame(Opcode.TEXT, b"half")[:3], PONG[:1]):
        await next_ping(stand, 2 * INTERVAL)
        stand.peer.send(sign)
        await asyncio.sleep(TIMEOUT + 2 * STEP)
        assert stand.told.silences == 0


@in_virtual_time
async def test_what_came_before_a_ping_is_none() -> None:
    stand = watched()
    stand.peer.send(PONG)
    await next_ping(stand)
    await asyncio.sleep(TIMEOUT + STEP + 0.1)
    assert stand.told.silences == 1


@in_virtual_time
async def test_a_peer_that_is_not_read_is_not_called_silent() -> None:
    stand = watched()
    stand.socket.pause_reading()
    await asyncio.sleep(10 * INTERVAL)
    # Not between a ping and the end of its time: read again by then, the peer would have to have answered it.
    await next_ping(stand)
    await asyncio.sleep(TIMEOUT + 2 * STEP)
    assert stand.told.silences == 0
    stand.socket.resume_reading()
    await next_ping(stand)
    await asyncio.sleep(TIMEOUT + STEP + 0.1)
    assert stand.told.silences == 1


@in_virtual_time
async def test_a_receiver_that_closes_a_silent_peer_is_told_its_end_at_once() -> None:
    class Strict(Told):
        def silent(self) -> None:
            super().silent()
            stand.socket.close(4002, is_answered=False)

    stand = watched(Strict())
    await next_ping(stand)
    await asyncio.sleep(TIMEOUT + STEP + 0.1)
    assert (stand.told.silences, stand.told.end) == (1, (4002, True))


@in_virtual_time
async def test_neither_a_socket_that_closes_nor_one_that_is_lost_is_pinged() -> None:
    closing, lost = watched(), watched()
    closing.socket.close(4001)
    lost.peer.go()
    said = closing.peer.frames()
    await asyncio.sleep(3 * INTERVAL)
    assert (closing.peer.frames(), lost.peer.frames()) == (said, [])
    assert closing.told.silences == lost.told.silences == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, TIMEOUT - STEP), min_size=1, max_size=8))
def test_who_answers_every_ping_in_time_is_never_called_silent(delays: list[float]) -> None:
    @in_virtual_time
    async def answer() -> None:
        stand = watched()
        for delay in delays:
            await next_ping(stand, INTERVAL + 3 * STEP)
            await asyncio.sleep(delay)
            stand.peer.send(PONG)
        assert stand.told.silences == 0

    answer()


@in_virtual_time
async def test_sockets_that_came_together_are_not_pinged_together() -> None:
    limits = replace(LIMITS, ping_interval=INTERVAL, wheel=Wheel(STEP))
    stands = [open_socket(limits) for _ in range(200)]
    pinged = [0]
    for _ in range(int(INTERVAL + STEP)):
        await asyncio.sleep(1)
        pinged.append(sum(1 for stand in stands if stand.peer.frames()))
    assert pinged[-1] == len(stands)
    assert max(after - before for before, after in pairwise(pinged)) < len(stands) / 4
