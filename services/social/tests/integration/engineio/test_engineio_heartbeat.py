"""Pings, and what becomes of a session whose client does not answer them."""

import asyncio
import time
from datetime import timedelta

import pytest
from callboard_social.wire.protocol import Frame
from callboard_testkit.engine_under_test import StartEngine

INTERVAL = 0.3
TIMEOUT = 0.2
FAST = {"ping_interval": timedelta(seconds=INTERVAL), "ping_timeout": timedelta(seconds=TIMEOUT)}
PATIENT = {"ping_interval": timedelta(seconds=0.1), "ping_timeout": timedelta(seconds=0.35)}


async def test_a_polling_client_that_answers_its_pings_stays(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        client = await engine.open()
        for _ in range(3):
            assert await client.poll() == "2"
            await client.say("3")
        assert not engine.endings


async def test_a_websocket_that_answers_its_pings_stays(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        socket = await engine.open_socket()
        for _ in range(3):
            assert await socket.receive() == "2"
            await socket.send("3")
        assert not engine.endings


async def test_a_time_out_longer_than_the_interval_is_waited_for(start_engine: StartEngine) -> None:
    async with start_engine(**PATIENT) as engine:
        client = await engine.open()
        for _ in range(3):
            assert await client.poll() == "2"
            await client.say("3")
        started = time.monotonic()
        assert await client.poll() == "2"
        assert await client.poll() == "1"
        assert time.monotonic() - started >= 0.35
        assert engine.endings == ["silent"]


async def test_pings_come_at_the_interval(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        socket = await engine.open_socket()
        started = time.monotonic()
        for _ in range(3):
            assert await socket.receive() == "2"
            await socket.send("3")
        assert 3 * INTERVAL - 0.1 <= time.monotonic() - started < 3 * INTERVAL + 0.25


async def test_a_session_whose_client_never_polls_again_ends(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        started = time.monotonic()
        client = await engine.open()
        assert await engine.opened[0].ended() is False
        assert INTERVAL + TIMEOUT - 0.01 <= time.monotonic() - started < INTERVAL + TIMEOUT + 0.5
        assert (await client.get()).json()["code"] == "unknown-session"
        assert engine.endings == ["silent"]


async def test_a_client_that_polls_and_does_not_answer_is_told_and_closed(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        client = await engine.open()
        assert await client.poll() == "2"
        assert await client.poll() == "1"
        assert (await client.get()).status_code == 400
        assert await engine.opened[0].ended() is False


async def test_a_websocket_that_does_not_answer_is_closed(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        socket = await engine.open_socket()
        assert await socket.receive() == "2"
        assert await socket.closed() == 1000
        assert await engine.opened[0].ended() is False
        assert engine.endings == ["silent"]


@pytest.mark.parametrize("packet", ["4hello", "6", "3"])
async def test_any_packet_is_a_sign_of_life(start_engine: StartEngine, packet: str) -> None:
    async with start_engine(**FAST) as engine:
        socket = await engine.open_socket()
        for _ in range(3):
            while await socket.receive() != "2":
                pass
            await socket.send(packet)
        assert not engine.endings


async def test_the_pong_of_one_ping_does_not_answer_the_next(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        socket = await engine.open_socket()
        assert await socket.receive() == "2"
        await socket.send("3", "3", "3")
        assert await socket.receive() == "2"
        assert await socket.closed() == 1000


async def test_a_websocket_whose_handler_is_busy_is_not_taken_for_dead(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        socket = await engine.open_socket()
        engine.opened[0].gate.clear()
        await socket.send("4slow")
        for _ in range(3):
            assert await socket.receive() == "2"
        engine.opened[0].gate.set()
        assert await socket.receive() == "4slow"
        assert not engine.endings


async def test_a_polling_session_whose_handler_is_busy_is_not_taken_for_dead(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        client = await engine.open()
        engine.opened[0].gate.clear()
        posting = asyncio.create_task(client.post("4slow"))
        for _ in range(3):
            assert await client.poll() == "2"
        engine.opened[0].gate.set()
        assert (await posting).text == "ok"
        assert await client.poll() == "4slow"


async def test_what_waits_for_a_dead_client_is_let_go(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        await engine.open()
        session = engine.opened[0].session
        session.send(Frame("event", "4" + "x" * 1_000))
        await engine.opened[0].ended()
        assert not session.polling.lane
        session.send(Frame("event", "4late"))
        assert not session.polling.lane
        assert not engine.server._registry.all()


async def test_a_session_that_moved_to_a_websocket_is_pinged_there(start_engine: StartEngine) -> None:
    async with start_engine(**FAST) as engine:
        socket = await (await engine.open()).upgrade()
        for _ in range(2):
            assert await socket.receive() == "2"
            await socket.send("3")
        assert await socket.receive() == "2"
        assert await socket.closed() == 1000
        assert engine.endings == ["silent"]
