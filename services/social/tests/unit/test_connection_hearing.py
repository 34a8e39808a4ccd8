"""What a native socket says is handled one after the other; then it ends, once."""

import asyncio
from contextvars import ContextVar
from dataclasses import replace

import pytest
from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode
from callboard_social.handoff.wheel import Wheel
from callboard_social.wire.protocol import Frame
from callboard_testkit.raw_peer import close_frame, frame
from websockets.frames import Opcode

from .connection_stand import Served
from .slim_socket_stand import LIMITS, MAX_MESSAGE, text, turns
from .virtual_time import in_virtual_time


@pytest.mark.parametrize(
    "wire",
    [text("x" * (MAX_MESSAGE + 1)), text("é" * (MAX_MESSAGE // 2 + 1)), frame(Opcode.BINARY, bytes(MAX_MESSAGE + 1))],
)
def test_a_message_that_is_too_big_closes_the_socket(wire: bytes) -> None:
    @in_virtual_time
    async def send() -> None:
        served = Served().open()
        served.peer.send(wire)
        await turns(40)
        served.peer.go()
        await turns()
        [close] = served.heard()
        assert close.startswith("1009 ")
        assert (served.handled, served.ends) == ([], 1)
        assert served.connection.peer_code is None
        assert served.connection.close_code is not None
        assert served.connection.close_code.code == 1009

    send()


@in_virtual_time
async def test_messages_are_handled_one_after_the_other_and_not_after_a_close() -> None:
    served = Served()

    async def answer(said: str | None) -> None:
        before = list(served.handled)
        await asyncio.sleep(1)
        assert served.handled == before
        if said == "stop":
            served.connection.close(close_codes.PROTOCOL_VIOLATIONS)

    served.answer = answer
    served.open()
    served.peer.send(text("one") + frame(Opcode.BINARY, b"two"), text("stop"), text("unheard"))
    await asyncio.sleep(10)
    assert served.handled == ["one", None, "stop"]


@in_virtual_time
async def test_what_came_before_the_socket_was_open_is_handled_after_that() -> None:
    served = Served()
    served.connection.enqueue(Frame("event", "welcome"))
    served.open(early=text("one") + text("two"))
    served.peer.send(text("three"))
    assert served.heard() == ["welcome"]
    await turns(20)
    assert served.handled == ["one", "two", "three"]


@in_virtual_time
async def test_a_flood_lets_others_have_their_turn_and_is_held_back_while_one_is_handled() -> None:
    served = Served().open()
    turns_of_others = 0
    for number in range(200):
        served.peer.send(text(str(number)))
    assert served.handled == []
    while len(served.handled) < 200:
        before = len(served.handled)
        await asyncio.sleep(0)
        turns_of_others += 1
        assert len(served.handled) - before <= 1
    assert turns_of_others >= 200
    assert [int(said or "") for said in served.handled] == list(range(200))


@in_virtual_time
async def test_a_connection_ends_once_and_after_all_that_its_peer_said_is_handled() -> None:
    served = Served(answer=lambda _text: asyncio.sleep(1)).open()
    served.peer.send(text("one") + text("two") + close_frame(1000))
    await turns()
    assert served.peer.is_over
    assert (served.handled, served.ends) == ([], 0)
    await asyncio.sleep(3)
    assert (served.handled, served.ends) == (["one", "two"], 1)
    assert (served.connection.peer_code, served.connection.close_code) == (1000, None)


@in_virtual_time
async def test_a_handler_that_fails_cuts_its_connection_and_is_asked_no_more() -> None:
    async def fail(_text: str | None) -> None:
        asked.append(_text)
        raise ValueError

    asked: list[str | None] = []
    served = Served(answer=fail).open()
    served.peer.send(b"".join(text("x" * 3000) for _ in range(5)))
    await turns(30)
    assert served.peer.is_aborted
    assert (len(asked), served.ends) == (1, 1)


@in_virtual_time
async def test_a_silent_peer_is_closed_and_not_waited_for() -> None:
    served = Served().open(replace(LIMITS, ping_interval=25.0, ping_timeout=10.0, wheel=Wheel(1.0)))
    await asyncio.sleep(25 + 10 + 3)
    assert served.heard() == ["", "4002 no pong"]
    assert (served.ends, served.peer.is_aborted) == (1, False)


@pytest.mark.parametrize(
    ("ours", "theirs", "has_parted"),
    [
        (None, 1000, True),
        (None, 1001, True),
        (None, 4000, False),
        (None, None, False),
        (close_codes.SESSION_REVOKED, None, True),
        (close_codes.SESSION_REVOKED, 1000, True),
        (close_codes.BACK_PRESSURE, 1000, False),
        (close_codes.SHUTTING_DOWN, None, False),
    ],
)
def test_who_is_not_expected_back_has_parted(ours: CloseCode | None, theirs: int | None, *, has_parted: bool) -> None:
    @in_virtual_time
    async def part() -> None:
        served = Served().open()
        if ours is not None:
            served.connection.close(ours)
        if theirs is not None:
            served.peer.send(close_frame(theirs))
        served.peer.go()
        await turns()
        assert served.ends == 1
        assert served.connection.has_parted is has_parted
        assert (served.connection.peer_code is None) is (ours is not None)

    part()


@in_virtual_time
async def test_handling_does_not_see_what_belongs_to_the_handshake() -> None:
    request: ContextVar[str] = ContextVar("request")
    request.set("of the handshake")
    served = Served()

    async def answer(_text: str | None) -> None:
        assert request.get("nothing") == "nothing"

    served.answer = answer
    served.open(early=text("one"))
    await turns()
    assert served.handled == ["one"]
