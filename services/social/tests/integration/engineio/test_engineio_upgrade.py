"""From polling to a WebSocket, without a packet lost, doubled or out of order."""

import asyncio
from datetime import timedelta

import pytest
from callboard_social.wire.protocol import Frame
from callboard_testkit.engine_client import EnginePolling, EngineSocket
from callboard_testkit.engine_under_test import EngineUnderTest, StartEngine
from callboard_testkit.waiting import eventually

SHORT = timedelta(milliseconds=100)


def event(number: int) -> Frame:
    return Frame("event", f"4{number}")


async def probed(client: EnginePolling) -> EngineSocket:
    """A WebSocket whose probe was answered."""
    socket = EngineSocket(await client.connect())
    await socket.send("2probe")
    assert await socket.receive() == "3probe"
    return socket


async def assert_polls_on(engine: EngineUnderTest, client: EnginePolling) -> None:
    await eventually(lambda: engine.opened[0].session.upgrading is None)
    await client.say("4still polling")
    assert await client.poll() == "4still polling"
    assert not engine.endings


async def test_a_session_moves_to_a_websocket(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await client.upgrade()
    await socket.send("4hello", b"\1")
    assert [await socket.receive(), await socket.receive()] == ["4hello", b"\1"]
    engine.opened[0].session.close()
    assert await socket.closed() == 1000
    assert len(engine.opened) == 1


async def test_a_get_that_waits_is_released_by_the_probe(engine: EngineUnderTest) -> None:
    client = await engine.open()
    polling = asyncio.create_task(client.poll())
    await engine.opened[0].polled()
    socket = await probed(client)
    assert await polling == "6"
    await socket.send("5", "4hello")
    assert await socket.receive() == "4hello"


async def test_a_get_after_the_probe_is_released_soon(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await probed(client)
    assert await client.poll() == "6"
    await socket.send("5", "4hello")
    assert await socket.receive() == "4hello"


async def test_a_get_that_still_waits_at_the_switch_is_refused(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = EngineSocket(await client.connect())
    await eventually(lambda: engine.opened[0].session.upgrading is not None)
    polling = asyncio.create_task(client.get())
    await engine.opened[0].polled()
    await socket.send("2probe", "5", "4hello")
    response = await polling
    assert (response.status_code, response.json()["code"]) == (400, "transport-refused")
    assert [await socket.receive(), await socket.receive()] == ["3probe", "4hello"]


async def test_what_waits_at_the_switch_comes_over_the_websocket(engine: EngineUnderTest) -> None:
    client = await engine.open()
    session = engine.opened[0].session
    socket = await probed(client)
    session.send(event(1))
    await socket.send("5")
    await eventually(lambda: session.transport is not session.polling)
    session.send(event(2))
    assert [await socket.receive(), await socket.receive()] == ["41", "42"]


async def test_packets_that_race_with_the_upgrade_arrive_once_and_in_order(engine: EngineUnderTest) -> None:
    client = await engine.open()
    session = engine.opened[0].session
    sent = 0
    is_done = False

    async def talk() -> None:
        nonlocal sent
        while not is_done:
            session.send(event(sent))
            sent += 1
            await asyncio.sleep(0.001)

    talking = asyncio.create_task(talk())
    heard: list[str] = []
    for _ in range(5):
        heard += (await client.poll()).split("\x1e")
    last_poll = asyncio.create_task(client.poll())
    socket = await probed(client)
    heard += (await last_poll).split("\x1e")
    await socket.send("5")
    heard += [str(await socket.receive()) for _ in range(20)]
    is_done = True
    await talking
    heard += [str(await socket.receive()) for _ in range(sent - len([packet for packet in heard if packet != "6"]))]
    assert [packet for packet in heard if packet != "6"] == [f"4{number}" for number in range(sent)]
    await socket.send("4end")
    assert await socket.receive() == "4end"


async def test_what_the_client_says_around_the_switch_is_heard_in_order(engine: EngineUnderTest) -> None:
    client = await engine.open()
    opened = engine.opened[0]
    opened.gate.clear()
    posting = asyncio.create_task(client.post("41\x1e42\x1e43"))
    await eventually(opened.session._turn.locked)
    socket = await probed(client)
    await socket.send("5", "44", "45")
    await eventually(lambda: opened.session.transport is not opened.session.polling)
    opened.gate.set()
    assert (await posting).text == "ok"
    assert [await socket.receive() for _ in range(5)] == ["41", "42", "43", "44", "45"]
    assert opened.received == ["1", "2", "3", "4", "5"]


async def test_polling_still_works_while_a_client_does_not_switch(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await probed(client)
    await client.say("4one")
    assert await client.poll() == "4one"
    await socket.send("5", "4two")
    assert await socket.receive() == "4two"


async def test_a_failed_probe_closes_the_websocket_and_polling_goes_on(engine: EngineUnderTest) -> None:
    client = await engine.open()
    for packet in ("2", "2prob", "5", "4hello", "abc", b"2probe"):
        socket = EngineSocket(await client.connect())
        await socket.send(packet)
        assert await socket.closed() == 1000, packet
        await assert_polls_on(engine, client)
    assert set(engine.opened[0].received) == {"still polling"}


async def test_anything_but_the_upgrade_packet_after_the_probe_fails_it(engine: EngineUnderTest) -> None:
    client = await engine.open()
    for packet in ("4hello", "2probe", "51", b"5"):
        socket = await probed(client)
        await socket.send(packet)
        assert await socket.closed() == 1000, packet
        await assert_polls_on(engine, client)


@pytest.mark.parametrize("is_probed", [False, True])
async def test_an_upgrade_that_does_not_finish_is_given_up(start_engine: StartEngine, *, is_probed: bool) -> None:
    async with start_engine(upgrade_timeout=SHORT) as engine:
        client = await engine.open()
        socket = await probed(client) if is_probed else EngineSocket(await client.connect())
        assert await socket.closed() == 1000
        await assert_polls_on(engine, client)


async def test_an_upgrade_may_be_tried_again(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await probed(client)
    socket.socket.transport.abort()
    await assert_polls_on(engine, client)
    socket = await client.upgrade()
    await socket.send("4hello")
    assert await socket.receive() == "4hello"


async def test_polling_is_over_after_the_upgrade_and_the_session_unharmed(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await client.upgrade()
    await eventually(lambda: engine.opened[0].session.transport is not engine.opened[0].session.polling)
    for response in (await client.get(), await client.post("4no")):
        assert (response.status_code, response.json()["code"]) == (400, "transport-refused")
    await socket.send("4yes")
    assert await socket.receive() == "4yes"
    assert engine.opened[0].received == ["yes"]


async def test_a_second_websocket_is_closed_and_the_session_unharmed(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await client.upgrade()
    second = EngineSocket(await client.connect())
    assert await second.closed() == 1008
    await socket.send("4hello")
    assert await socket.receive() == "4hello"


async def test_a_second_websocket_does_not_disturb_an_upgrade(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await probed(client)
    second = EngineSocket(await client.connect())
    assert await second.closed() == 1008
    await socket.send("5", "4hello")
    assert await socket.receive() == "4hello"


async def test_a_session_that_ends_takes_its_upgrade_along(engine: EngineUnderTest) -> None:
    client = await engine.open()
    socket = await probed(client)
    await client.say("1")
    assert await socket.closed() == 1000
    assert await engine.opened[0].ended() is True


async def test_a_session_that_closes_during_an_upgrade_gives_what_waits_on_the_websocket(
    engine: EngineUnderTest,
) -> None:
    client = await engine.open()
    socket = await probed(client)
    engine.opened[0].session.send(event(1))
    engine.opened[0].session.close()
    await socket.send("5")
    assert await socket.receive() == "41"
    assert await socket.closed() == 1000
    assert await engine.opened[0].ended() is False


async def test_binary_that_waits_moves_with_its_text(engine: EngineUnderTest) -> None:
    client = await engine.open()
    engine.opened[0].session.send(Frame("event", "451-", (b"\1", b"\2")))
    socket = await probed(client)
    await socket.send("5")
    assert [await socket.receive() for _ in range(3)] == ["451-", b"\1", b"\2"]
