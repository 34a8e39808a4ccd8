"""The load generator counts what a server sends, however it is cut, and says what became of each socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from benchmarks.generator import Load, Told
from benchmarks.peers.openings import upgrade_request
from benchmarks.server import Opening, event

PATIENCE = 15.0
Behaviour = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def listening(behave: Behaviour, refuse: int | None = None) -> AsyncIterator[int]:
    """A server that behaves so on every socket; gives its port."""

    def process(connection: ServerConnection, request: Request) -> Response | None:
        return None if refuse is None else connection.respond(refuse, "no")

    server: Server
    async with serve(behave, "127.0.0.1", 0, process_request=process, compression=None) as server:
        yield next(iter(server.sockets)).getsockname()[1]


class Stage:
    """Sends to every socket what the test says, and a ping, once the test says so."""

    def __init__(self, *messages: str | bytes) -> None:
        self._messages = messages
        self.is_on = asyncio.Event()
        self.pongs: asyncio.Queue[None] = asyncio.Queue()

    async def __call__(self, socket: ServerConnection) -> None:
        await self.is_on.wait()
        for message in self._messages:
            await socket.send(message)
        await (await socket.ping())
        await self.pongs.put(None)
        await socket.wait_closed()


async def counted(program: Path, stage: Stage, sockets: int = 3) -> Told:
    async with listening(stage) as port:
        openings = [Opening(upgrade_request(port, "/"))] * sockets
        load = Load(port, openings, at_once=2, patience=10, program=program)
        try:
            opened = await asyncio.to_thread(load.opened)
            assert opened.opened == sockets
            load.go()
            await asyncio.to_thread(load.tell)
            stage.is_on.set()
            async with asyncio.timeout(PATIENCE):  # whoever has answered the ping has counted what came before
                for _ in range(sockets):
                    await stage.pongs.get()
            told = await asyncio.to_thread(load.tell)
        finally:
            await asyncio.to_thread(load.close)
    return told


async def test_every_event_of_every_socket_is_counted_and_pings_are_answered(program: Path) -> None:
    stage = Stage(*(event(number).decode() for number in range(1, 101)))
    told = await counted(program, stage)
    assert (told.events, told.least, told.most, told.open) == (300, 100, 100, 3)
    assert (told.gaps, told.repeats, dict(told.lost)) == (0, 0, {})
    assert sum(told.per_second) == 300


async def test_what_is_skipped_and_what_comes_again_is_told(program: Path) -> None:
    told = await counted(program, Stage(*(event(number).decode() for number in (1, 2, 5, 5, 4, 6))), sockets=1)
    assert (told.events, told.gaps, told.repeats) == (6, 2, 2)


async def test_the_age_of_an_event_is_what_its_time_says(program: Path) -> None:
    a_second_ago = [event(number, now_ns=event_time() - 10**9) for number in range(1, 11)]
    told = await counted(program, Stage(*a_second_ago))
    assert 1_000_000 <= told.latency_us.p50 < 3_000_000


@pytest.mark.parametrize("piece", [1, 7, 60, 64, 229, 231, 1000])
async def test_events_that_are_cut_anywhere_are_counted(program: Path, piece: int) -> None:
    stream = b"".join(b"MSG org.0 1 230\r\n" + event(number) + b"\r\n" for number in range(1, 21))
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    told = await counted(program, Stage(*pieces), sockets=1)
    assert (told.events, told.gaps, told.repeats) == (20, 0, 0)


async def test_a_refused_upgrade_is_told_by_its_status(program: Path) -> None:
    async with listening(Stage(), refuse=503) as port:
        load = Load(port, [Opening(upgrade_request(port, "/"))] * 4, program=program)
        opened = await asyncio.to_thread(load.opened)
        await asyncio.to_thread(load.close)
    assert (opened.opened, dict(opened.refused)) == (0, {"503": 4})


async def test_a_socket_that_is_closed_before_it_is_ready_is_told_by_its_code(program: Path) -> None:
    async def close(socket: ServerConnection) -> None:
        await socket.close(4401, "no")

    async with listening(close) as port:
        load = Load(port, [Opening(upgrade_request(port, "/"), ready=b"welcome")], program=program)
        opened = await asyncio.to_thread(load.opened)
        await asyncio.to_thread(load.close)
    assert (opened.opened, dict(opened.refused)) == (0, {"4401": 1})


async def test_a_socket_that_never_becomes_ready_is_given_up(program: Path) -> None:
    async with listening(lambda socket: socket.wait_closed()) as port:
        load = Load(port, [Opening(upgrade_request(port, "/"), ready=b"welcome")], patience=0.5, program=program)
        opened = await asyncio.to_thread(load.opened)
        await asyncio.to_thread(load.close)
    assert (opened.opened, dict(opened.refused)) == (0, {"1": 1})


async def test_a_client_says_what_it_should_and_answers_what_it_is_asked(program: Path) -> None:
    heard: list[str | bytes] = []
    is_over = asyncio.Event()

    async def engine(socket: ServerConnection) -> None:
        heard.append(await socket.recv())
        await socket.send("0ready")
        await socket.send("2")
        heard.append(await socket.recv())
        await socket.close()
        is_over.set()

    async with listening(engine) as port:
        opening = Opening(upgrade_request(port, "/"), after=(b"40",), answers=((b"2", b"3"),), ready=b"0")
        load = Load(port, [opening], program=program)
        opened = await asyncio.to_thread(load.opened)
        await asyncio.wait_for(is_over.wait(), PATIENCE)
        told = await asyncio.to_thread(load.tell)
        await asyncio.to_thread(load.close)
    assert opened.opened == 1
    assert heard == ["40", "3"]
    assert dict(told.lost) == {"1000": 1}


def event_time() -> int:
    """Now, on the clock of events."""
    return int(event(1).split(b'"t":"')[1][:19])
