"""How a namespace ends, and with it its socket: by its client, by us, for good or for a while."""

import asyncio
from datetime import timedelta

import pytest
from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode
from callboard_social.dialects.socketio.application import Acknowledge, ConnectRefused
from callboard_social.dialects.socketio.socket import event_frame
from callboard_testkit.waiting import eventually

from .socketio_stand_in import Client, connect_client, open_client


@pytest.fixture
async def client() -> Client:
    return await open_client()


@pytest.fixture
async def connected() -> Client:
    return await connect_client()


async def test_an_acknowledgement_after_the_end_goes_nowhere(connected: Client) -> None:
    kept: list[Acknowledge | None] = []
    connected.main.on_event = lambda _event, _arguments, acknowledge: kept.append(acknowledge)
    await connected.say('27["a"]', "1")
    [acknowledge] = kept
    assert acknowledge is not None
    acknowledge()
    assert connected.heard() == []


async def test_a_client_leaves_one_namespace_and_keeps_the_other(connected: Client) -> None:
    await connected.say("1/b", '2["a"]')
    assert connected.other.endings == [True]
    assert connected.main.calls == [("a", [])]
    assert connected.heard() == []
    await connected.say("0/b")
    assert [str(message)[:5] for message in connected.heard()] == ["40/b,", "42/b,"]


async def test_a_packet_for_a_namespace_that_the_client_has_left_closes_the_session(connected: Client) -> None:
    await connected.say("1/b", '2/b,["a"]')
    assert connected.engine.is_closed


async def test_packets_that_crossed_our_disconnect_are_ignored(connected: Client) -> None:
    connected.other.socket.disconnect()
    await connected.say('2/b,["a"]', "3/b,0[]", "1/b", '2["a"]')
    assert connected.heard() == ["41/b,"]
    assert connected.other.calls == [("end", True)]
    assert connected.main.calls == [("a", [])]


async def test_attachments_that_crossed_our_disconnect_are_not_kept(connected: Client) -> None:
    announced = '52-/b,["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    await connected.say(announced, b"before")
    connected.other.socket.disconnect()
    await connected.say(b"after")
    await connected.say(announced, b"x")
    waiting = connected.session._reader
    assert (waiting.begun, waiting._attachments) == (None, [])
    await connected.say(b"y", '2["a"]')
    assert connected.heard() == ["41/b,"]
    assert connected.other.calls == [("end", True)]
    assert connected.main.calls == [("a", [])]


async def test_a_text_between_attachments_that_are_not_kept_closes_the_session(connected: Client) -> None:
    connected.other.socket.disconnect()
    await connected.say('51-/b,["a",{"_placeholder":true,"num":0}]', '2["a"]')
    assert connected.engine.is_closed
    assert connected.main.calls == []


async def test_a_disconnected_socket_hears_nothing_more(connected: Client) -> None:
    socket = connected.main.socket
    socket.emit("before")
    socket.disconnect()
    socket.disconnect()
    socket.emit("after")
    socket.enqueue(event_frame("/", "after"))
    socket.close(close_codes.SESSION_REVOKED)
    assert connected.heard() == ['42["before"]', "41"]
    assert not connected.engine.is_closed


@pytest.mark.parametrize("code", [code for code in close_codes.ALL if code.then is close_codes.Return.NEVER])
async def test_a_close_for_good_disconnects_this_namespace_after_what_waits(connected: Client, code: CloseCode) -> None:
    connected.other.socket.emit("before")
    connected.other.socket.close(code)
    await asyncio.sleep(0)
    assert connected.heard() == ['42/b,["before"]', "41/b,"]
    assert connected.other.socket.close_code is code
    assert connected.other.endings == [True]
    assert not connected.engine.is_closed
    assert connected.main.socket.is_open


@pytest.mark.parametrize("code", [code for code in close_codes.ALL if code.then is not close_codes.Return.NEVER])
async def test_any_other_close_is_the_transports_and_not_clean(connected: Client, code: CloseCode) -> None:
    connected.other.socket.emit("before")
    connected.other.socket.close(code)
    assert connected.heard() == ['42/b,["before"]']
    assert connected.engine.is_closed
    await connected.hang_up(is_clean=True)
    assert connected.main.endings == connected.other.endings == [False]
    assert connected.other.socket.close_code is code
    assert connected.main.socket.close_code is None


async def test_a_drop_for_good_says_farewell_and_nothing_that_waits(connected: Client) -> None:
    connected.other.socket.emit("secret")
    connected.other.socket.drop(close_codes.SESSION_REVOKED)
    connected.other.socket.drop(close_codes.SESSION_REVOKED)
    assert connected.heard() == ["41/b,"]
    assert connected.engine.is_closed
    await connected.hang_up(is_clean=True)
    assert connected.other.endings == [True]
    assert connected.main.endings == [False]


async def test_a_drop_for_a_while_says_nothing(connected: Client) -> None:
    connected.main.socket.emit("waiting")
    connected.main.socket.drop(close_codes.BACK_PRESSURE)
    assert connected.heard() == []
    assert connected.engine.is_closed
    await connected.hang_up()
    assert connected.main.endings == [False]


async def test_what_waits_before_a_disconnect_can_still_be_dropped(connected: Client) -> None:
    connected.main.socket.emit("secret")
    connected.main.socket.disconnect()
    connected.main.socket.drop(close_codes.SESSION_REVOKED)
    await connected.hang_up()
    assert connected.heard() == ["41"]
    assert connected.main.endings == [True]


async def test_who_is_closed_for_good_while_it_connects_gets_a_connect_error(client: Client) -> None:
    client.main.gate.clear()
    connecting = asyncio.create_task(client.say("0"))
    await eventually(lambda: bool(client.main.calls))
    client.main.socket.close(close_codes.SESSION_REVOKED)
    await asyncio.sleep(0)
    assert client.main.endings == []
    client.main.gate.set()
    await connecting
    assert client.heard() == ['44{"message":"session revoked"}']
    assert client.main.calls[1:] == [("end", True)]


@pytest.mark.parametrize("is_clean", [True, False])
async def test_an_end_of_the_session_is_the_end_of_each_socket_once(connected: Client, *, is_clean: bool) -> None:
    await connected.say("1/b")
    await connected.hang_up(is_clean=is_clean)
    assert connected.main.endings == [is_clean]
    assert connected.other.endings == [True]


async def test_the_end_waits_for_the_call_that_is_running(connected: Client) -> None:
    connected.main.gate.clear()
    saying = asyncio.create_task(connected.say('2["a"]'))
    await eventually(lambda: bool(connected.main.calls))
    await connected.hang_up()
    assert connected.main.endings == []
    connected.main.gate.set()
    await saying
    assert connected.main.endings == [False]


async def test_a_call_that_is_cancelled_is_followed_by_the_end(client: Client) -> None:
    client.main.gate.clear()
    saying = asyncio.create_task(client.say("0"))
    await eventually(lambda: bool(client.main.calls))
    client.session.ended(is_clean=False)
    saying.cancel()
    await asyncio.gather(saying, return_exceptions=True)
    assert client.main.calls == [("admit", {}), ("end", False)]
    assert client.heard() == []


async def test_a_fault_in_one_end_does_not_keep_the_others_from_theirs(connected: Client) -> None:
    def fail(*, is_clean: bool) -> None:
        raise KeyError

    connected.main.end = fail  # type: ignore[method-assign]
    await connected.hang_up()
    assert connected.other.endings == [False]


async def test_a_session_without_a_namespace_is_closed_after_a_while() -> None:
    client = await open_client(patience=timedelta(0))
    await client.say("0")
    assert not client.engine.is_closed
    await client.say("1")
    await eventually(lambda: client.engine.is_closed)


async def test_who_connects_again_in_time_stays() -> None:
    client = await open_client(patience=timedelta(0))
    client.other.refusal = ConnectRefused("No")
    for message in ("0", "1", "0/b", "0"):
        await client.session.received(message)  # without a pause, in which the time would be over
    for _ in range(3):
        await asyncio.sleep(0)
    assert not client.engine.is_closed
    assert client.main.socket.is_open


async def test_who_is_refused_again_and_again_does_not_put_off_the_end() -> None:
    client = await open_client(patience=timedelta(milliseconds=50))
    await client.say("0", "1")
    client.main.is_stranger = True
    client.other.refusal = ConnectRefused("No")
    async with asyncio.timeout(5):
        while not client.engine.is_closed:
            await client.say("0", "0/b", "0/c")
