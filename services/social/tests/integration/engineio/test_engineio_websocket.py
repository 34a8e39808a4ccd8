"""A session on a WebSocket of its own: what a peer may break, and what is kept of one that is idle or over."""

import asyncio
import gc
import socket as sockets
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from callboard_social.wire.engineio import Ending
from callboard_social.wire.protocol import Batch, Frame
from callboard_testkit.engine_under_test import EngineUnderTest, StartEngine
from callboard_testkit.raw_peer import Opcode, RawPeer, frame, raw_connection
from callboard_testkit.socket_queues import queues_of
from callboard_testkit.waiting import eventually
from starlette.types import ASGIApp, Receive, Scope, Send

REQUEST = (
    b"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MAX_PAYLOAD = 1_000


def text(packet: str) -> bytes:
    return frame(Opcode.TEXT, packet.encode())


@asynccontextmanager
async def connected(engine: EngineUnderTest) -> AsyncIterator[RawPeer]:
    """A peer whose open packet has been read."""
    async with raw_connection(engine.url) as peer:
        await peer.send(REQUEST)
        assert (await peer.head()).startswith(b"HTTP/1.1 101 ")
        assert (await peer.receive()).payload.startswith(b"0{")
        yield peer


def held_by(gate: asyncio.Event) -> Callable[[ASGIApp], ASGIApp]:
    """Middleware: WebSockets are answered when the gate is open."""

    def held(app: ASGIApp) -> ASGIApp:
        async def hold(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                await gate.wait()
            await app(scope, receive, send)

        return hold

    return held


def _has_read_all(engine: EngineUnderTest, peer: RawPeer) -> bool:
    queues = queues_of(urlsplit(engine.url).port or 0).get(peer.port)
    return queues is not None and not queues.unread


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def test_text_that_is_not_utf8_closes_the_session_as_malformed(engine: EngineUnderTest) -> None:
    async with connected(engine) as peer:
        await peer.send(frame(Opcode.TEXT, b"4\xff"))
        assert (await peer.close_received()).close_code == 1007
    assert await engine.opened[0].ended() is False
    assert engine.opened[0].received == []
    assert engine.endings == [Ending.MALFORMED]


async def test_a_frame_that_breaks_the_rules_closes_the_session_as_malformed(engine: EngineUnderTest) -> None:
    for broken in (frame(Opcode.TEXT, b"4x", mask=None), frame(Opcode.TEXT, b"4x", reserved=4), frame(0, b"4x")):
        async with connected(engine) as peer:
            await peer.send(broken)
            assert (await peer.close_received()).close_code == 1002
        assert await engine.opened[-1].ended() is False
    assert engine.endings == [Ending.MALFORMED] * 3


async def test_a_message_that_is_announced_too_large_is_refused_before_it_is_there(start_engine: StartEngine) -> None:
    async with start_engine(max_payload=MAX_PAYLOAD) as engine:
        async with connected(engine) as peer:
            whole = frame(Opcode.BINARY, bytes(MAX_PAYLOAD + 1))
            await peer.send(whole[:-MAX_PAYLOAD])
            assert (await peer.close_received()).close_code == 1009
        assert await engine.opened[0].ended() is False
        assert engine.endings == [Ending.TOO_LARGE]


async def test_fragments_are_one_message_and_too_large_together(start_engine: StartEngine) -> None:
    async with start_engine(max_payload=MAX_PAYLOAD) as engine, connected(engine) as peer:
        half = b"x" * (MAX_PAYLOAD // 2)
        begin, end = frame(Opcode.TEXT, b"4" + half, fin=False), frame(Opcode.CONTINUATION, half[1:])
        await peer.send(begin, frame(Opcode.PING, b"?"), end)
        assert await peer.receive() == (Opcode.PONG, b"?")
        assert len((await peer.receive()).payload) == MAX_PAYLOAD
        await peer.send(begin, frame(Opcode.CONTINUATION, half))
        assert (await peer.close_received()).close_code == 1009


async def test_what_a_client_says_before_it_is_answered_is_heard_in_order(start_engine: StartEngine) -> None:
    gate = asyncio.Event()
    async with start_engine(held_by(gate)) as engine, raw_connection(engine.url) as peer:
        await peer.send(REQUEST)
        await eventually(lambda: _has_read_all(engine, peer))
        await peer.send(text("4one") + text("3") + text("4two"))
        await eventually(lambda: _has_read_all(engine, peer))
        gate.set()
        await peer.head()
        await peer.send(text("4three"))
        assert (await peer.receive()).payload.startswith(b"0{")
        assert [(await peer.receive()).payload for _ in range(3)] == [b"4one", b"4two", b"4three"]


async def test_a_client_that_goes_before_it_is_answered_leaves_no_session(start_engine: StartEngine) -> None:
    gate = asyncio.Event()
    async with start_engine(held_by(gate)) as engine:
        async with raw_connection(engine.url) as peer:
            await peer.send(REQUEST)
            await eventually(lambda: _has_read_all(engine, peer))
        gate.set()
        await eventually(lambda: bool(engine.opened))
        assert await engine.opened[0].ended() is False
        assert not engine.server.sessions


async def test_a_peer_that_ends_its_half_without_a_word_may_come_back(engine: EngineUnderTest) -> None:
    async with connected(engine) as peer:
        peer.socket.shutdown(sockets.SHUT_WR)
        assert await engine.opened[0].ended() is False
        await peer.ended()
    assert engine.endings == [Ending.LOST]


async def test_a_peer_that_is_silent_is_told_and_cut_without_lingering(start_engine: StartEngine) -> None:
    beat = {"ping_interval": timedelta(milliseconds=200), "ping_timeout": timedelta(milliseconds=200)}
    async with start_engine(**beat, linger=timedelta(minutes=5)) as engine, connected(engine) as peer:
        assert (await peer.receive()).payload == b"2"
        assert (await peer.close_received()).close_code == 1000
        await peer.ended()
        assert engine.endings == [Ending.SILENT]


async def test_frames_that_others_get_too_are_the_same_on_both_transports(engine: EngineUnderTest) -> None:
    batch = Batch([Frame("event", "4one"), Frame("event", "451-", (b"\1",)), Frame("event", "4two")])
    polling, socket = await engine.open(), await engine.open_socket()
    for opened in engine.opened:
        opened.session.write(batch)
    assert await polling.poll() == "4one\x1e451-\x1ebAQ==\x1e4two"
    assert [await socket.receive() for _ in range(4)] == ["4one", "451-", b"\1", "4two"]


async def test_batches_that_a_client_does_not_take_close_its_session(engine: EngineUnderTest) -> None:
    batch = Batch([Frame("event", "4" + "x" * 100_000)] * 4)
    polling, socket = await engine.open(), await engine.open_socket()
    socket.socket.transport.pause_reading()
    for opened in engine.opened:
        for _ in range(30):
            opened.session.write(batch)
        assert opened.session.is_closing
    socket.socket.transport.resume_reading()
    assert await polling.poll() == "1"
    assert await socket.closed() == 1008
    assert engine.endings == [Ending.SLOW] * 2


async def test_a_session_that_is_idle_keeps_no_task(engine: EngineUnderTest) -> None:
    async with connected(engine) as one:
        await one.send(text("4hello"), text("3"))
        assert (await one.receive()).payload == b"4hello"
        before = asyncio.all_tasks()
        async with connected(engine) as other:
            await other.send(text("4hello"))
            assert (await other.receive()).payload == b"4hello"
            await eventually(lambda: asyncio.all_tasks() <= before)


async def test_who_goes_while_it_is_being_answered_is_over_when_that_is_done(engine: EngineUnderTest) -> None:
    socket = await engine.open_socket()
    opened = engine.opened[0]
    opened.gate.clear()
    await socket.send("4slow")
    await eventually(lambda: opened.session.is_busy)
    socket.socket.transport.abort()

    def is_lost() -> bool:
        opened.session.send(Frame("event", "4unheard"))
        return opened.session.transport._lost_as is not None

    await eventually(is_lost)
    assert opened.ends == []
    opened.gate.set()
    assert await opened.ended() is False
    assert opened.received == ["slow"]


@pytest.mark.parametrize("is_upgraded", [False, True])
async def test_nothing_is_left_of_a_session_that_is_over(engine: EngineUnderTest, *, is_upgraded: bool) -> None:
    """Not even for the garbage collector: it would have much to walk through after many left at once."""
    with no_garbage_collection():
        socket = await (await engine.open()).upgrade() if is_upgraded else await engine.open_socket()
        await socket.send("4hello")
        assert await socket.receive() == "4hello"
        opened = engine.opened.pop()
        session = weakref.ref(opened.session)
        await socket.socket.close()
        await opened.ended()
        del opened
        await eventually(lambda: session() is None)
