"""How a session ends, from either side."""

import asyncio
from datetime import timedelta

import pytest
from callboard_social.wire.lane import MAX_PENDING_BYTES
from callboard_social.wire.protocol import Frame
from callboard_testkit.engine_client import POLLING, WEBSOCKET
from callboard_testkit.engine_under_test import EngineUnderTest, StartEngine
from websockets.exceptions import InvalidStatus

LAST = Frame("last", "41/agents,")
PYTHON = {"User-Agent": "python-requests/2.32.5"}


def event(number: int) -> Frame:
    return Frame("event", f"4{number}")


async def test_a_close_packet_ends_a_polling_session_cleanly(engine: EngineUnderTest) -> None:
    client = await engine.open()
    polling = asyncio.create_task(client.poll())
    await engine.opened[0].polled()
    await client.say("1")
    assert await polling == "6"
    assert (await client.get()).json()["code"] == "unknown-session"
    assert await engine.opened[0].ended() is True
    assert engine.endings == ["client"]


async def test_nothing_is_handed_over_after_a_close_packet(engine: EngineUnderTest) -> None:
    client = await engine.open()
    await client.say("4one\x1e1\x1e4two")
    assert engine.opened[0].received == ["one"]
    assert await engine.opened[0].ended() is True


async def test_a_close_packet_ends_a_websocket_cleanly(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    await socket.send("4one", "1", "4two")
    assert await socket.closed() == 1000
    assert engine.opened[0].received == ["one"]
    assert await engine.opened[0].ended() is True


async def test_the_code_of_a_websocket_says_whether_its_client_is_done(engine: EngineUnderTest) -> None:
    for code, is_clean in ((1000, True), (1001, True), (1011, False), (3000, False)):
        socket = await engine.open_socket()
        await socket.socket.close(code)
        assert await engine.opened[-1].ended() is is_clean
        assert engine.endings[-1] == ("client" if is_clean else "lost")


async def test_a_websocket_that_is_cut_may_come_back(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    socket.socket.transport.abort()
    assert await engine.opened[0].ended() is False
    assert engine.endings == ["lost"]


async def test_a_malformed_packet_closes_a_websocket(engine: EngineUnderTest) -> None:
    for packet in ("abc", "", "7", "\u0664", "bAQI", "0{}", "2", "2probe", "5"):
        socket = await engine.open_socket()
        await socket.send(packet, "4late")
        assert await socket.closed() == 1002, packet
        assert engine.opened[-1].received == []
        assert await engine.opened[-1].ended() is False
    assert set(engine.endings) == {"malformed"}


async def test_a_message_that_is_too_large_closes_a_websocket(start_engine: StartEngine) -> None:
    async with start_engine(max_payload=1_000) as engine:
        for message in ("4" + "x" * 1_000, "4" + "\u20ac" * 334, b"x" * 1_001):
            socket = await engine.open_socket()
            await socket.send(message)
            assert await socket.closed() == 1009
            assert await engine.opened[-1].ended() is False
            assert engine.opened[-1].received == []
        assert engine.endings == ["too-large"] * 3


async def test_text_and_binary_come_back_on_a_websocket(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    await socket.send("4hello", b"\1\2\3", "4", "bAQIDBA==", b"")
    assert [await socket.receive() for _ in range(5)] == ["4hello", b"\1\2\3", "4", b"\1\2\3\4", b""]


async def test_a_closed_polling_session_first_gives_what_waits(engine: EngineUnderTest) -> None:
    client = await engine.open()
    session = engine.opened[0].session
    session.send(event(1))
    session.close()
    session.send(event(2))
    assert session.is_closing
    await client.say("4ignored")
    assert [await client.poll(), await client.poll()] == ["41", "1"]
    assert (await client.get()).status_code == 400
    assert engine.opened[0].received == []
    assert await engine.opened[0].ended() is False
    assert engine.endings == ["closed"]


async def test_a_get_that_waits_is_told_of_a_close_at_once(engine: EngineUnderTest) -> None:
    client = await engine.open()
    polling = asyncio.create_task(client.poll())
    await engine.opened[0].polled()
    engine.opened[0].session.close()
    assert await polling == "1"


async def test_a_closed_websocket_first_gives_what_waits(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    session = engine.opened[0].session
    for number in range(3):
        session.send(event(number))
    session.close()
    session.send(event(4))
    assert [await socket.receive() for _ in range(3)] == ["40", "41", "42"]
    assert await socket.closed() == 1000
    assert await engine.opened[0].ended() is False


async def test_a_client_that_does_not_come_for_its_close_is_given_up(start_engine: StartEngine) -> None:
    async with start_engine(linger=timedelta(milliseconds=50)) as engine:
        client = await engine.open()
        engine.opened[0].session.close()
        assert await engine.opened[0].ended() is False
        assert (await client.get()).status_code == 400


async def test_a_dropped_polling_session_gives_its_last_words_only(engine: EngineUnderTest) -> None:
    client = await engine.open()
    session = engine.opened[0].session
    session.send(event(1))
    session.drop(LAST)
    session.send(event(2))
    assert [await client.poll(), await client.poll()] == ["41/agents,", "1"]
    assert await engine.opened[0].ended() is True
    assert engine.endings == ["dropped"]


async def test_a_dropped_websocket_gives_its_last_words_and_nothing_that_waits(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    socket.socket.transport.pause_reading()
    session = engine.opened[0].session
    frame = Frame("event", "4" + "x" * 65_535)
    sent = MAX_PENDING_BYTES // frame.size - 1
    for _ in range(sent):
        session.send(frame)
    session.drop(LAST)
    socket.socket.transport.resume_reading()
    heard = 0
    while await socket.receive() == frame.text:
        heard += 1
    assert heard < sent
    assert await socket.closed() == 1000
    assert await engine.opened[0].ended() is True


async def test_a_drop_without_a_last_word_lets_the_client_come_back(engine: EngineUnderTest) -> None:
    client = await engine.open()
    engine.opened[0].session.send(event(1))
    engine.opened[0].session.drop()
    assert await client.poll() == "1"
    assert await engine.opened[0].ended() is False


async def test_a_python_client_that_may_come_back_is_sent_no_close_packet(engine: EngineUnderTest) -> None:
    """It would take it for its own wish, and stay away."""
    client = await engine.open(headers=PYTHON)
    engine.opened[0].session.send(event(1))
    engine.opened[0].session.close()
    assert await client.poll() == "41"
    assert (await client.get()).json()["code"] == "unknown-session"
    assert await engine.opened[0].ended() is False
    waiting = await engine.open(headers=PYTHON)
    polling = asyncio.create_task(waiting.get())
    await engine.opened[1].polled()
    engine.opened[1].session.close()
    assert (await polling).json()["code"] == "unknown-session"
    assert await engine.opened[1].ended() is False


async def test_a_python_client_that_is_to_stay_away_is_sent_a_close_packet(engine: EngineUnderTest) -> None:
    client = await engine.open(headers=PYTHON)
    engine.opened[0].session.drop(LAST)
    assert [await client.poll(), await client.poll()] == ["41/agents,", "1"]


async def test_every_drop_has_its_last_word(engine: EngineUnderTest) -> None:
    client = await engine.open()
    session = engine.opened[0].session
    session.drop(Frame("last", "41/one,"))
    session.drop(Frame("last", "41/two,"))
    assert [await client.poll(), await client.poll()] == ["41/one,\x1e41/two,", "1"]


async def test_whoever_closes_on_a_walk_still_has_its_last_words_on_a_websocket(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    session = engine.opened[0].session
    session.close()
    session.drop(Frame("last", "41/one,"))
    session.drop(Frame("last", "41/two,"))
    assert [await socket.receive(), await socket.receive()] == ["41/one,", "41/two,"]
    assert await socket.closed() == 1000
    assert await engine.opened[0].ended() is True


async def test_a_drop_after_a_close_takes_back_what_still_waits(engine: EngineUnderTest) -> None:
    client = await engine.open()
    session = engine.opened[0].session
    session.send(event(1))
    session.close()
    session.drop(LAST)
    assert [await client.poll(), await client.poll()] == ["41/agents,", "1"]
    assert await engine.opened[0].ended() is True


async def test_a_handler_may_close_its_own_session(engine: EngineUnderTest) -> None:
    client = await engine.open()
    opened = engine.opened[0]
    opened.gate.clear()
    posting = asyncio.create_task(client.post("4one\x1e4two"))
    opened.session.close()
    opened.gate.set()
    assert (await posting).text == "ok"
    assert await client.poll() == "1"
    assert opened.received == []
    assert await opened.ended() is False


async def test_a_websocket_that_takes_too_little_is_closed(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    session = engine.opened[0].session
    frame = Frame("event", "4" + "x" * 65_535)
    for _ in range(10 * MAX_PENDING_BYTES // frame.size):
        session.send(frame)
    assert session.is_closing
    assert await socket.closed() == 1008
    assert await engine.opened[0].ended() is False
    assert engine.endings == ["back-pressure"]


async def test_a_websocket_that_does_not_read_is_given_up(start_engine: StartEngine) -> None:
    async with start_engine(linger=timedelta(milliseconds=50)) as engine:
        socket = await engine.open_socket()
        socket.socket.transport.pause_reading()
        session = engine.opened[0].session
        frame = Frame("event", "4" + "x" * (MAX_PENDING_BYTES // 4))
        while not session.is_closing:
            session.send(frame)
            await asyncio.sleep(0)
        assert await engine.opened[0].ended() is False
        socket.socket.transport.abort()


async def test_a_handler_that_fails_ends_its_websocket(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    await socket.send("4raise")
    assert await socket.closed() == 1006
    assert await engine.opened[0].ended() is False
    assert engine.endings == ["failed"]


async def test_a_server_that_closes_tells_everybody(engine: EngineUnderTest) -> None:
    polling, absent = await engine.open(), await engine.open()
    socket = await engine.open_socket()
    get = asyncio.create_task(polling.poll())
    await engine.opened[0].polled()
    for opened in engine.opened:
        opened.session.send(event(1))
    await engine.server.close()
    assert await get == "41"
    assert await socket.receive() == "41"
    assert await socket.closed() == 1001
    assert [await opened.ended() for opened in engine.opened] == [False] * 3
    assert engine.endings == ["shutdown"] * 3
    for query in (POLLING, POLLING | {"sid": absent.sid}):
        assert (await engine.request("GET", query)).status_code == 503
    with pytest.raises(InvalidStatus):
        await engine.connect(WEBSOCKET)
