"""Sessions over ASGI alone: what no socket can be made to do at the right moment."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from callboard_servicekit.errors import NotAuthenticated
from callboard_social.wire.engineio import Ending, EngineOptions, EngineServer, EngineSession, SessionHandler
from callboard_social.wire.protocol import Frame
from callboard_testkit.waiting import eventually

OPTIONS = EngineOptions(timedelta(seconds=25), timedelta(seconds=20))


class Keeper:
    def __init__(self) -> None:
        self.received_messages: list[str | bytes] = []
        self.ends: list[bool] = []

    async def received(self, message: str | bytes) -> None:
        self.received_messages.append(message)

    def ended(self, *, is_clean: bool) -> None:
        self.ends.append(is_clean)


class Request:
    """One HTTP request as uvicorn shows it: what is sent to a client that is gone is dropped in silence."""

    def __init__(self, query: str, method: str = "GET", body: bytes = b"") -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": "/engine.io/",
            "query_string": query.encode(),
            "headers": [],
            "server": ("test", 80),
        }
        self.status = 0
        self.body = b""
        self._message: dict[str, Any] | None = {"type": "http.request", "body": body, "more_body": False}
        self._event = asyncio.Event()
        self._event.set()
        self._is_gone = False

    def hang_up(self) -> None:
        self._is_gone = True
        self._event.set()

    async def receive(self) -> Any:
        await self._event.wait()
        self._event.clear()
        if self._is_gone:
            return {"type": "http.disconnect"}
        message, self._message = self._message, None
        return message

    async def send(self, message: Any) -> None:
        if self._is_gone:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message["body"]

    async def run(self, server: EngineServer) -> "Request":
        async with asyncio.timeout(5):
            await server(self.scope, self.receive, self.send)
        return self


class Engine:
    """A server, its one session and that session's handler."""

    def __init__(self, before: Callable[[], Awaitable[None]] | None = None) -> None:
        self.keeper = Keeper()
        self.sessions: list[EngineSession] = []
        self.endings: list[Ending] = []
        self._before = before
        self.server = EngineServer(OPTIONS, self._open, on_end=self.endings.append)

    async def _open(self, session: EngineSession) -> SessionHandler:
        self.sessions.append(session)
        if self._before is not None:
            await self._before()
        session.admit()
        return self.keeper

    async def open(self) -> str:
        response = await Request("EIO=4&transport=polling").run(self.server)
        assert response.status == 200
        sid: str = json.loads(response.body[1:])["sid"]
        return f"EIO=4&transport=polling&sid={sid}"


@pytest.mark.parametrize("is_put_first", [False, True])
async def test_a_packet_that_comes_in_the_turn_in_which_the_client_leaves_is_kept(*, is_put_first: bool) -> None:
    engine = Engine()
    query = await engine.open()
    request = Request(query)
    polling = asyncio.create_task(request.run(engine.server))
    transport = engine.sessions[0].transport
    await eventually(lambda: transport.is_attended and not request._event.is_set())
    frame = Frame("event", "4kept")
    if is_put_first:
        engine.sessions[0].send(frame)
        request.hang_up()
    else:
        request.hang_up()
        engine.sessions[0].send(frame)
    await polling
    assert (request.status, request.body) == (0, b"")
    assert (await Request(query).run(engine.server)).body == b"4kept"
    await engine.server.close()


async def test_a_client_that_is_gone_before_its_request_is_looked_at_takes_nothing() -> None:
    engine = Engine()
    query = await engine.open()
    engine.sessions[0].send(Frame("event", "4kept"))
    request = Request(query)
    request.hang_up()
    await request.run(engine.server)
    assert (await Request(query).run(engine.server)).body == b"4kept"
    await engine.server.close()


async def test_frames_may_come_while_a_get_is_being_released() -> None:
    """The one that waits is told once; whoever puts a frame never waits and never fails."""
    engine = Engine()
    query = await engine.open()
    request = Request(query)
    polling = asyncio.create_task(request.run(engine.server))
    while not polling.done():
        engine.sessions[0].send(Frame("event", "4x"))
        await asyncio.sleep(0)
    await polling
    assert set(request.body.split(b"\x1e")) == {b"4x"}
    await engine.server.close()


async def test_a_session_that_opens_while_the_server_closes_is_told_its_end_once() -> None:
    gate, is_opening = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        is_opening.set()
        await gate.wait()

    engine = Engine(wait)
    request = Request("EIO=4&transport=polling")
    opening = asyncio.create_task(request.run(engine.server))
    await is_opening.wait()
    await engine.server.close()
    gate.set()
    await opening
    assert request.status == 503
    assert engine.keeper.ends == [False]
    assert engine.endings == [Ending.SHUTDOWN]


async def test_of_its_request_a_session_keeps_what_tells_who_asks_and_from_where() -> None:
    engine = Engine()
    request = Request("EIO=4&transport=polling&token=t")
    identifying = [(b"cookie", b"a=1"), (b"authorization", b"Bearer t"), (b"origin", b"null"), (b"cookie", b"b=2")]
    request.scope |= {"headers": [(b"user-agent", b"x"), *identifying, (b"accept", b"*/*")], "client": ("::1", 9)}
    await request.run(engine.server)
    kept = engine.sessions[0].request
    assert kept.headers.raw == identifying
    assert (kept.query_params["token"], kept.client) == ("t", ("::1", 9))
    assert set(kept.scope) == {"type", "method", "client", "query_string", "headers"}
    await engine.server.close()


async def test_a_session_that_was_refused_has_no_end() -> None:
    async def refuse() -> None:
        raise NotAuthenticated

    engine = Engine(refuse)
    assert (await Request("EIO=4&transport=polling").run(engine.server)).status == 401
    assert engine.keeper.ends == []
    assert engine.endings == []
    engine.sessions[0].send(Frame("event", "4late"))
    engine.sessions[0].close()
    engine.sessions[0].drop(Frame("event", "4late"))
    engine.sessions[0].admit()
    assert engine.keeper.ends == []


async def test_a_session_may_be_closed_while_it_opens() -> None:
    engine = Engine()

    async def close() -> None:
        engine.sessions[0].send(Frame("event", "4last"))
        engine.sessions[0].close()

    engine._before = close
    query = await engine.open()
    assert (await Request(query).run(engine.server)).body == b"4last"
    assert (await Request(query).run(engine.server)).body == b"1"
    assert engine.keeper.ends == [False]
    assert (await Request(query).run(engine.server)).status == 400


async def test_closing_never_calls_the_handler_back() -> None:
    """Whoever walks over members and closes them must not see the set change under its feet."""
    engine = Engine()
    await engine.open()
    session = engine.sessions[0]
    frame = Frame("event", "4" + "x" * 500_000)
    for _ in range(3):
        session.send(frame)
    session.close()
    session.drop(frame)
    assert session.is_closing
    assert engine.keeper.ends == []
    await engine.server.close()
    assert engine.keeper.ends == [True]
