"""Every peer does what it is measured at: each event to each socket of its organisation, once and in order."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from benchmarks.peers.roster import behind_nginx, peers
from benchmarks.peers.tests.subscriber import opened
from benchmarks.peers.tools import ToolMissing, Tools, find_tools
from benchmarks.server import SERVER, Server

ROOT = Path(__file__).parents[3]
SOCKETS, EVENTS, RATE = 50, 100, 100
PATIENCE_SECONDS = 20


def _tools() -> Tools | None:
    try:
        return find_tools(ROOT, environment=ROOT / "var" / "bench" / "venv")
    except ToolMissing:
        return None


TOOLS = _tools()
pytestmark = pytest.mark.skipif(TOOLS is None, reason="the peers are installed by `make bench`")


def servers() -> list[Server]:
    return (
        [*peers(TOOLS), *(behind_nginx(peer, TOOLS) for peer in peers(TOOLS) if "Node" in peer.name)] if TOOLS else []
    )


@pytest.fixture(params=servers(), ids=lambda server: server.name)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    running: Server = request.param
    try:
        running.start(tmp_path, organisations=2)
        yield running
    finally:
        running.stop()


async def published(server: Server, organisation: int = 0) -> int:
    command = server.publisher(RATE, EVENTS / RATE, organisation=organisation)
    run = partial(subprocess.run, command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=PATIENCE_SECONDS)
    return int(json.loads((await asyncio.to_thread(run)).stdout)["published"])


async def test_every_socket_of_an_organisation_hears_each_event_once_and_in_order(server: Server) -> None:
    async with (
        asyncio.timeout(2 * PATIENCE_SECONDS),
        opened(server.openings(SOCKETS), server.port) as subscribers,
        opened(server.openings(1, organisation=1), server.port) as others,
    ):
        count = await published(server)
        for subscriber in subscribers:
            await subscriber.hear(count)
        count_of_others = await published(server, organisation=1)
        await others[0].hear(count_of_others)

        assert EVENTS <= count <= EVENTS + 1
        assert [subscriber.heard for subscriber in subscribers] == [list(range(1, count + 1))] * SOCKETS
        assert others[0].heard == list(range(1, count_of_others + 1))


def test_every_process_of_a_server_is_named_and_ends_with_it(server: Server) -> None:
    pids = [pid for of_role in server.processes().values() for pid in of_role]
    assert server.processes()[SERVER]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert server.version()

    server.stop()

    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
