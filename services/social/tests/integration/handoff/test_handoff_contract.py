"""What the hand-off counts on in uvicorn, and what uvicorn counts on: a version that changes either fails here."""

import asyncio
import fcntl
import gc
import socket
import struct
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from callboard_social.handoff import FirstBytes
from callboard_social.handoff.frames import text_frame
from callboard_testkit.raw_peer import Ended, Opcode, RawPeer, close_frame, frame
from callboard_testkit.waiting import eventually
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect

from .handoff_stand import LIMITS, HandsOff, Keeps, Serving, accepted, serving


def text(said: str) -> bytes:
    return frame(Opcode.TEXT, said.encode())


@pytest.mark.parametrize("http", ["httptools", "h11", FirstBytes])
async def test_after_the_hand_off_uvicorn_keeps_the_socket_and_neither_task_nor_protocol(
    http: str | type[FirstBytes],
) -> None:
    application = HandsOff()
    async with serving(application, http=http) as server, server.opened() as peer:
        await eventually(lambda: not server.tasks)
        assert server.connections == set(application.sockets)
        await peer.send(close_frame(1000))
        await eventually(lambda: server.is_empty)
        assert application.told[0].end == (1000, False)


async def test_the_connection_stays_open_when_the_application_returns() -> None:
    application = HandsOff()
    async with serving(application) as server, server.opened() as peer:
        await eventually(lambda: not server.tasks)
        application.sockets[0].write(text_frame("hello"))
        assert (await peer.receive()).payload == b"hello"
        await peer.send(text("there"))
        await eventually(lambda: application.told[0].messages == ["there"])


async def test_a_server_that_ends_closes_its_sockets_with_1001_and_waits_for_their_answer() -> None:
    application = HandsOff()
    async with serving(application) as server, server.opened() as one, server.opened() as two:
        server.end()
        for peer in (one, two):
            close = await peer.close_received()
            assert close.close_code == 1001
            assert not server.has_ended
            await peer.send(close_frame(1001))
            assert await peer.ended() == b""
        await eventually(lambda: server.has_ended)
        assert server.is_empty
        assert [told.end for told in application.told] == [(1001, True)] * 2


async def test_a_server_that_ends_does_not_wait_longer_than_the_linger_for_a_peer_that_is_deaf() -> None:
    application = HandsOff()
    async with serving(application, timeout_graceful_shutdown=None) as server, server.opened():
        server.end()
        await eventually(lambda: server.has_ended)
        assert application.told[0].end == (1001, True)


async def test_messages_that_follow_the_answer_at_once_arrive_in_order() -> None:
    application = HandsOff(welcome=text_frame("welcome"))
    async with serving(application) as server, server.opened() as peer:
        assert (await peer.receive()).payload == b"welcome"
        await peer.send(b"".join(text(str(number)) for number in range(50)), text("50"))
        await eventually(lambda: application.told[0].messages == [str(number) for number in range(51)])


class Gate:
    """Where the application waits until the test lets it go on."""

    def __init__(self) -> None:
        self._is_open = asyncio.Event()
        self.is_reached = asyncio.Event()

    async def wait(self) -> None:
        self.is_reached.set()
        await self._is_open.wait()

    def open(self) -> None:
        self._is_open.set()


async def ask_and_wait(server: Serving, peer: RawPeer, gate: Gate) -> None:
    await server.ask(peer)
    async with asyncio.timeout(5):
        await gate.is_reached.wait()


@pytest.mark.parametrize("is_accepted_before", [True, False])
async def test_messages_that_come_before_the_hand_off_arrive_in_order_and_a_half_one_is_completed(
    *, is_accepted_before: bool
) -> None:
    gate = Gate()
    application = HandsOff(between=gate.wait) if is_accepted_before else HandsOff(before_accept=gate.wait)
    first, second = text("three")[:1], text("three")[1:]
    async with serving(application) as server, server.client() as peer:
        await ask_and_wait(server, peer, gate)
        await peer.send(text("one"), frame(Opcode.TEXT, b"tw", fin=False), frame(Opcode.PING, b"p"))
        await peer.send(frame(Opcode.CONTINUATION, b"o"), first)
        await has_arrived(peer)
        gate.open()
        await accepted(peer)
        assert (await peer.receive()) == (Opcode.PONG, b"p")
        await peer.send(second, text("four"))
        await eventually(lambda: application.told[0].messages == ["one", "two", "three", "four"])


async def has_arrived(peer: RawPeer) -> None:
    """Wait until the kernel has nothing left to send; the server reads in the next turns of the same loop."""
    siocoutq = 0x5411

    def unsent() -> int:
        answer = fcntl.ioctl(peer.socket, siocoutq, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])

    await eventually(lambda: unsent() == 0)
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_message_that_is_none_before_the_hand_off_fails_the_connection_after_it() -> None:
    gate = Gate()
    application = HandsOff(before_accept=gate.wait)
    async with serving(application) as server, server.client() as peer:
        await ask_and_wait(server, peer, gate)
        await peer.send(frame(Opcode.TEXT, b"\xff"))
        await has_arrived(peer)
        gate.open()
        await accepted(peer)
        assert (await peer.close_received()).close_code == 1007
        peer.socket.shutdown(socket.SHUT_WR)
        await eventually(lambda: server.is_empty)
        assert application.told[0].end == (1007, True)


def reset(peer: RawPeer) -> None:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


def leave(peer: RawPeer) -> None:
    peer.socket.close()


GOING = pytest.mark.parametrize("go", [reset, leave])


@GOING
async def test_a_client_that_is_gone_before_it_is_accepted_is_nobody_to_hand_on(go: Callable[[RawPeer], None]) -> None:
    gate = Gate()
    application = HandsOff(before_accept=gate.wait)
    async with serving(application) as server, server.client() as peer:
        await ask_and_wait(server, peer, gate)
        go(peer)
        await eventually(lambda: not server.connections)
        gate.open()
        await eventually(lambda: server.is_empty)
        assert application.told == []
        assert [type(error) for error in application.errors] == [ClientDisconnected]


@GOING
async def test_a_client_that_is_gone_before_the_hand_off_is_told_as_lost_and_is_not_written_to(
    go: Callable[[RawPeer], None],
) -> None:
    gate = Gate()
    application = HandsOff(between=gate.wait, welcome=text_frame("welcome"))
    async with serving(application) as server, server.client() as peer:
        await ask_and_wait(server, peer, gate)
        await accepted(peer)
        go(peer)
        await eventually(lambda: not server.connections)
        gate.open()
        await eventually(lambda: bool(application.sockets))
        slim = application.sockets[0]
        slim.write(text_frame("late"))
        slim.pause_reading()
        slim.close(4001)
        slim.resume_reading()
        await eventually(lambda: application.told[0].end == (1006, False))
        await eventually(lambda: server.is_empty)
        assert application.errors == []


async def test_an_upgrade_that_the_client_has_closed_already_ends_without_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It sent a close frame, and half-closed, before it was answered."""
    gate = Gate()
    application = HandsOff(before_accept=gate.wait)
    async with serving(application) as server, server.client() as peer:
        await ask_and_wait(server, peer, gate)
        await peer.send(close_frame(1000))
        await has_arrived(peer)
        gate.open()
        await accepted(peer)
        assert (await peer.close_received()).close_code == 1000
        await eventually(lambda: server.is_empty)
        assert application.told[0].end == (1000, False)
    assert [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


async def test_paused_writing_is_taken_over_and_nothing_is_out_of_order() -> None:
    """The answer itself is larger than what the kernel and the transport take without a word."""
    filler = b"x" * 1024
    application = HandsOff(
        headers=[(b"x-filler", filler)] * 8192, limits=replace(LIMITS, max_waiting=1024, send_buffer=4096)
    )
    async with serving(application) as server, server.client() as peer:
        await server.ask(peer)
        await eventually(lambda: bool(application.sockets))
        slim = application.sockets[0]
        assert slim.write(text_frame("one" * 300))
        assert not slim.write(text_frame("two" * 300)), "nothing has been read: it waits"
        assert (await accepted(peer)).count(filler) == 8192
        assert (await peer.receive()).payload == b"one" * 300
        assert (await peer.receive()).payload == b"two" * 300


async def test_what_the_kernel_keeps_for_a_socket_is_bounded() -> None:
    application = HandsOff(limits=replace(LIMITS, send_buffer=16 * 1024))
    async with serving(application) as server, server.opened():
        await eventually(lambda: bool(application.sockets))
        kernel = application.sockets[0]._transport.get_extra_info("socket")  # what is bounded has no other door
        assert kernel.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 16 * 1024  # Linux doubles it


async def test_compression_that_is_offered_is_declined_and_messages_are_readable() -> None:
    application = HandsOff()
    async with serving(application) as server, connect(server.url.replace("http", "ws"), compression="deflate") as peer:
        assert "Sec-WebSocket-Extensions" not in peer.response.headers  # type: ignore[union-attr]
        await peer.send("hello " * 100)
        await eventually(lambda: application.told[0].messages == ["hello " * 100])
        application.sockets[0].write(text_frame("there " * 100))
        assert await peer.recv() == "there " * 100


async def test_scope_task_and_protocol_are_let_go_although_the_socket_stays() -> None:
    class Request:
        pass

    held: list[weakref.ref[Any]] = []

    def on_scope(scope: Scope) -> None:
        scope["state"]["request"] = Request()
        task = asyncio.current_task()
        [protocol] = server.connections
        held.extend(weakref.ref(thing) for thing in (scope["state"]["request"], task, protocol))

    application = HandsOff(on_scope=on_scope)
    async with serving(application) as server, server.opened() as peer:
        await peer.send(text("hello"))
        await eventually(lambda: application.told[0].messages == ["hello"])
        gc.collect()
        assert [reference() for reference in held] == [None, None, None]
        assert len(server.sockets) == 1


async def test_an_application_on_another_protocol_is_told_that_it_cannot_hand_off() -> None:
    application = HandsOff()
    async with serving(application, ws=WebSocketsSansIOProtocol) as server, server.opened() as peer:
        with pytest.raises(Ended):
            await peer.receive()
        assert [type(error) for error in application.errors] == [KeyError]


BOTH = pytest.mark.parametrize("options", [{}, {"ws": WebSocketsSansIOProtocol}], ids=["ours", "uvicorns"])


@BOTH
async def test_an_application_that_keeps_its_socket_works_as_with_uvicorns_own(options: dict[str, Any]) -> None:
    application = Keeps()
    async with serving(application, **options) as server, server.opened() as peer:
        await peer.send(text("one"), frame(Opcode.BINARY, b"\xff"), frame(Opcode.PING, b"p"), text("end"))
        heard = [await peer.receive() for _ in range(4)]
        assert sorted(heard[:3]) == [(Opcode.TEXT, b"one"), (Opcode.BINARY, b"\xff"), (Opcode.PONG, b"p")]
        assert (heard[3].close_code, heard[3].close_reason) == (4001, "ended")
        await peer.send(close_frame(4001))
        assert await peer.ended() == b""
        await eventually(lambda: server.is_empty)
    assert [message["type"] for message in application.received] == [
        "websocket.connect",
        *["websocket.receive"] * 3,
        "websocket.disconnect",
    ]
    assert [message.get("text") or message.get("bytes") for message in application.received[1:4]] == [
        "one",
        b"\xff",
        "end",
    ]


@BOTH
async def test_an_application_that_keeps_its_socket_hears_its_clients_close(options: dict[str, Any]) -> None:
    application = Keeps()
    async with serving(application, **options) as server, server.opened() as peer:
        await peer.send(close_frame(4321))
        assert (await peer.close_received()).close_code == 4321
        await eventually(lambda: server.is_empty)
    assert (application.received[-1]["type"], application.received[-1]["code"]) == ("websocket.disconnect", 4321)


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"7")]
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b'{"code": ', "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b'"slow"}'})


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError


async def forgets(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()


Application = Callable[[Scope, Receive, Send], Awaitable[None]]


@BOTH
@pytest.mark.parametrize(
    ("application", "status", "tail"),
    [
        (refuses, b"403", b""),
        (answers, b"429", b'{"code": "slow"}'),
        (fails, b"500", None),
        (forgets, b"500", None),
    ],
)
async def test_an_upgrade_that_is_not_accepted_is_answered(
    application: Application, status: bytes, tail: bytes | None, options: dict[str, Any]
) -> None:
    async with serving(application, **options) as server, server.client() as peer:
        await server.ask(peer)
        head, _, body = (await peer.ended()).partition(b"\r\n\r\n")
        await eventually(lambda: server.is_empty)
    lines = head.split(b"\r\n")
    assert lines[0].split(b" ")[:2] == [b"HTTP/1.1", status]
    assert tail is None or body == tail
    assert any(line.lower() == b"content-length: %d" % len(body) for line in lines)
    if application is answers:
        assert b"retry-after: 7" in [line.lower() for line in lines]


@BOTH
async def test_a_server_that_ends_during_a_handshake_answers_it(options: dict[str, Any]) -> None:
    gate = Gate()
    application = HandsOff(before_accept=gate.wait)
    async with serving(application, **options) as server, server.client() as peer:
        await ask_and_wait(server, peer, gate)
        server.end()
        assert (await peer.ended()).split(b" ")[1] in {b"500", b"503"}
        gate.open()
        await eventually(lambda: server.has_ended)
        assert server.is_empty
