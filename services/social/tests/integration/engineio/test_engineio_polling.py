"""HTTP long-polling: payloads both ways."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from callboard_social.handoff import inbound
from callboard_social.wire.lane import MAX_PENDING_BYTES
from callboard_social.wire.protocol import Frame
from callboard_testkit.engine_client import EnginePolling
from callboard_testkit.engine_under_test import EngineUnderTest, StartEngine
from callboard_testkit.waiting import eventually

MALFORMED = [
    b"abc",
    b"",
    b"7",
    b"-1",
    b"4first\x1e",
    b"\x1e4second",
    b"4first\x1eabc",
    "\u0664arabic".encode(),
    b"4\xff",
    b"bAQI",
    b"bAQID=",
    b"bAQ==ID",
    b"b!AQIDBA==",
    "b\u0410QIDBA==".encode(),
    b"0{}",
    b"2",
    b"2probe",
    b"5",
]


@asynccontextmanager
async def raw_request(
    engine: EngineUnderTest, client: EnginePolling, method: str = "GET", rest: str = "\r\n"
) -> AsyncIterator[None]:
    """A request over a connection of its own, which is cut at the end of the block."""
    url = httpx.URL(engine.url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    target = f"{url.path}?EIO=4&transport=polling&sid={client.sid}"
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: {url.host}\r\n{rest}".encode())
    try:
        yield
    finally:
        writer.close()
        await writer.wait_closed()


async def assert_over(engine: EngineUnderTest, client: EnginePolling, ending: str) -> None:
    assert (await client.get()).json()["code"] == "unknown-session"
    assert (await client.post("4late")).json()["code"] == "unknown-session"
    assert await engine.opened[-1].ended() is False
    assert set(engine.endings) == {ending}


async def test_one_packet_comes_back(engine: EngineUnderTest) -> None:
    client = await engine.open()
    response = await client.post("4hello")
    assert (response.status_code, response.text) == (200, "ok")
    response = await client.get()
    assert (response.status_code, response.text) == (200, "4hello")
    assert response.headers["content-type"] == "text/plain; charset=UTF-8"
    assert response.headers["cache-control"] == "no-store"


async def test_a_payload_carries_several_packets_in_order(engine: EngineUnderTest) -> None:
    client = await engine.open()
    await client.say("4one\x1e4two\x1e3\x1e6\x1e4\x1e4\u20ac\U0001f600")
    assert engine.opened[0].received == ["one", "two", "", "\u20ac\U0001f600"]
    assert await client.poll() == "4one\x1e4two\x1e4\x1e4\u20ac\U0001f600"


async def test_binary_travels_as_base64_between_text(engine: EngineUnderTest) -> None:
    client = await engine.open()
    every_byte = bytes(range(256))
    payload = f"4hello\x1ebAQIDBA==\x1eb\x1e4text\x1eb{base64.b64encode(every_byte).decode()}"
    await client.say(payload)
    assert engine.opened[0].received == ["hello", b"\1\2\3\4", b"", "text", every_byte]
    assert await client.poll() == payload


async def test_a_frame_and_its_attachments_are_packets_one_after_the_other(engine: EngineUnderTest) -> None:
    client = await engine.open()
    engine.opened[0].session.send(Frame("event", "451-", (b"\1", b"\2")))
    assert await client.poll() == "451-\x1ebAQ==\x1ebAg=="


async def test_a_get_waits_for_something_to_say(engine: EngineUnderTest) -> None:
    client = await engine.open()
    polling = asyncio.create_task(client.poll())
    await engine.opened[0].polled()
    engine.opened[0].session.send(Frame("event", "4one"))
    engine.opened[0].session.send(Frame("event", "4two"))
    assert await polling == "4one\x1e4two"


async def test_what_is_too_much_for_one_answer_comes_with_the_next(engine: EngineUnderTest) -> None:
    client = await engine.open()
    frames = [Frame("event", "4" + str(number) * 100_000) for number in range(8)]
    for frame in frames:
        engine.opened[0].session.send(frame)
    answers = [await client.poll() for _ in range(3)]
    assert "\x1e".join(answers) == "\x1e".join(frame.text for frame in frames)
    assert all(answers)


async def test_a_python_client_is_given_no_more_packets_than_it_takes(engine: EngineUnderTest) -> None:
    client = await engine.open(headers={"User-Agent": "Python/3.12 aiohttp/3.13"})
    session = engine.opened[0].session
    for number in range(15):
        session.send(Frame("event", f"4{number}"))
    session.send(Frame("event", "452-", (b"\1", b"\2")))
    session.send(Frame("event", "4last"))
    assert await client.poll() == "\x1e".join(f"4{number}" for number in range(15))
    assert await client.poll() == "452-\x1ebAQ==\x1ebAg==\x1e4last"


async def test_others_are_given_all_that_waits(engine: EngineUnderTest) -> None:
    client = await engine.open(headers={"User-Agent": "Mozilla/5.0"})
    texts = [f"4{number}" for number in range(900)]
    for text in texts:
        engine.opened[0].session.send(Frame("event", text))
    assert (await client.poll()).split("\x1e") == texts


async def test_a_malformed_packet_closes_the_session_and_nothing_of_its_payload_counts(
    engine: EngineUnderTest,
) -> None:
    for body in MALFORMED:
        client = await engine.open()
        response = await client.post(body)
        assert (response.status_code, response.text) != (200, "ok"), body
        assert (response.status_code, response.json()["code"]) == (400, "malformed-packet"), body
        assert engine.opened[-1].received == []
        await assert_over(engine, client, "malformed")


async def test_a_get_that_waits_hears_that_the_session_was_closed(engine: EngineUnderTest) -> None:
    client = await engine.open()
    polling = asyncio.create_task(client.poll())
    await engine.opened[0].polled()
    assert (await client.post("abc")).status_code == 400
    assert await polling == "1"


async def test_a_second_get_closes_the_session(engine: EngineUnderTest) -> None:
    client = await engine.open()
    polling = asyncio.create_task(client.poll())
    await engine.opened[0].polled()
    response = await client.get()
    assert (response.status_code, response.json()["code"]) == (400, "duplicate-request")
    assert await polling == "1"
    await assert_over(engine, client, "duplicate-request")


async def test_a_second_post_closes_the_session(engine: EngineUnderTest) -> None:
    client = await engine.open()
    engine.opened[0].gate.clear()
    first = asyncio.create_task(client.post("4one\x1e4two"))
    await eventually(lambda: engine.opened[0].session.polling._is_pushed)
    response = await client.post("4three")
    assert (response.status_code, response.json()["code"]) == (400, "duplicate-request")
    engine.opened[0].gate.set()
    assert (await first).json()["code"] == "unknown-session"
    assert engine.opened[0].received == ["one"]
    await assert_over(engine, client, "duplicate-request")


async def test_a_post_is_answered_when_its_packets_were_handled(engine: EngineUnderTest) -> None:
    client = await engine.open()
    engine.opened[0].gate.clear()
    posting = asyncio.create_task(client.post("4one\x1e4two"))
    await eventually(engine.opened[0].session._turn.locked)
    assert not posting.done()
    engine.opened[0].gate.set()
    assert (await posting).text == "ok"
    assert engine.opened[0].received == ["one", "two"]


async def test_a_payload_may_be_as_large_as_announced(start_engine: StartEngine) -> None:
    async with start_engine(max_payload=70_000) as engine:
        client = await engine.open()
        body = "4" + "x" * 69_999
        await client.say(body)
        assert await client.poll() == body


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_larger_payload_closes_the_session(start_engine: StartEngine, *, is_chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"4"
        for _ in range(7):
            yield b"x" * 10_000

    async with start_engine(max_payload=70_000) as engine:
        client = await engine.open()
        response = await client.post(parts() if is_chunked else "4" + "x" * 70_000)
        assert (response.status_code, response.json()["code"]) == (413, "payload-too-large")
        assert engine.opened[0].received == []
        await assert_over(engine, client, "too-large")


async def test_a_payload_has_a_bounded_number_of_packets(
    monkeypatch: pytest.MonkeyPatch, start_engine: StartEngine
) -> None:
    monkeypatch.setattr(inbound, "BURST_OF_MESSAGES", 10_000)
    async with start_engine() as engine:
        client = await engine.open()
        engine.opened[0].session.polling._budget = inbound.InboundBudget()
        await client.say("\x1e".join(["3"] * 1_000))
        response = await client.post("\x1e".join(["3"] * 1_001))
        assert (response.status_code, response.json()["code"]) == (413, "payload-too-large")
        await assert_over(engine, client, "too-large")


async def test_who_says_too_much_is_heard_more_slowly(monkeypatch: pytest.MonkeyPatch, engine: EngineUnderTest) -> None:
    monkeypatch.setattr(inbound, "BURST_OF_MESSAGES", 10)
    monkeypatch.setattr(inbound, "MESSAGES_PER_SECOND", 1_000.0)
    client = await engine.open()
    engine.opened[0].session.polling._budget = inbound.InboundBudget()
    started = asyncio.get_running_loop().time()
    await client.say("\x1e".join(f"4{number}" for number in range(210)))
    assert asyncio.get_running_loop().time() - started >= 0.18
    assert engine.opened[0].received == [str(number) for number in range(210)]


async def test_a_client_that_goes_away_while_it_polls_loses_nothing(engine: EngineUnderTest) -> None:
    client = await engine.open()
    opened = engine.opened[0]
    for _ in range(3):
        async with raw_request(engine, client):
            await opened.polled()
        await opened.polled(is_polled=False)
    opened.session.send(Frame("event", "4one"))
    opened.session.send(Frame("event", "4two"))
    assert await client.poll() == "4one\x1e4two"


async def test_a_body_that_breaks_off_leaves_the_session_alone(engine: EngineUnderTest) -> None:
    client = await engine.open()
    async with raw_request(engine, client, "POST", "Content-Length: 100\r\n\r\n4half"):
        await eventually(lambda: engine.opened[0].session.polling._is_pushed)
    await eventually(lambda: not engine.opened[0].session.polling._is_pushed)
    await client.say("4whole")
    assert engine.opened[0].received == ["whole"]


async def test_a_client_that_does_not_poll_fills_its_lane_and_is_closed(engine: EngineUnderTest) -> None:
    client = await engine.open()
    session = engine.opened[0].session
    frame = Frame("event", "4" + "x" * 65_535)
    for _ in range(MAX_PENDING_BYTES // frame.size):
        session.send(frame)
        assert not session.is_closing
    session.send(frame)
    assert session.is_closing
    assert await client.poll() == "1"
    await assert_over(engine, client, "back-pressure")


async def test_many_small_frames_fill_a_lane_too(engine: EngineUnderTest) -> None:
    await engine.open()
    session = engine.opened[0].session
    for _ in range(MAX_PENDING_BYTES // 64):
        session.send(Frame("event", "4x"))
    assert not session.is_closing
    session.send(Frame("event", "4x"))
    assert session.is_closing


async def test_a_larger_frame_alone_is_delivered(engine: EngineUnderTest) -> None:
    client = await engine.open()
    text = "4" + "x" * 2 * MAX_PENDING_BYTES
    engine.opened[0].session.send(Frame("event", text))
    assert await client.poll() == text


async def test_a_handler_that_fails_ends_the_session(engine: EngineUnderTest) -> None:
    client = await engine.open()
    assert (await client.post("4raise\x1e4unheard")).status_code == 500
    assert engine.opened[0].received == ["raise"]
    await assert_over(engine, client, "failed")
