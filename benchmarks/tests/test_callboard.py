"""What is measured of Callboard is the real thing: its sockets are let in, and its events are the relay's."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from callboard_contracts.channels import ORG
from callboard_contracts.keys import channel_key
from callboard_servicekit.relay.relay import Published, Relay
from callboard_testkit.redis_server import redis_executable
from redis.asyncio import Redis

from benchmarks.minting import mint_over_http
from benchmarks.peers.tools import Tools
from benchmarks.servers.callboard import Callboard, CallboardSocketIo
from benchmarks.servers.publish import publish, relay_wire
from benchmarks.trial import fan_out, handshakes, started, subscribed

ROOT = Path(__file__).parents[2]
SOCKETS = 10


@pytest.fixture(params=[Callboard, CallboardSocketIo])
def server(request: pytest.FixtureRequest, program: Path) -> Iterator[Callboard]:
    tools = Tools(root=ROOT, python="", node="", redis=redis_executable(), nginx="", nchan="", nats="")
    with started(request.param(tools)) as server:
        assert isinstance(server, Callboard)
        yield server


def test_every_client_is_let_in_and_hears_every_event_once(server: Callboard) -> None:
    with subscribed(server, SOCKETS) as load:
        figures = fan_out(server, load, rate=50, seconds=0.5)
    assert figures["deliveries"] >= SOCKETS
    assert (figures["missing"], figures["gaps"], figures["repeats"], figures["lost_sockets"]) == (0, 0, 0, 0)


def test_handshakes_and_tickets_have_a_cost(server: Callboard) -> None:
    assert handshakes(server, SOCKETS, at_once=4)["server_us_per_handshake"] > 0
    assert mint_over_http(server, SOCKETS)["server_us_per_handshake"] > 0


async def test_the_publisher_makes_the_calls_of_the_relay(redis: Redis, redis_url: str) -> None:
    told = publish(redis_url, 1000, 0.05, partial(relay_wire, organization="org-1", size=230))
    relay = Relay(redis_url, history_length=100, history_age=timedelta(hours=1))
    try:
        after = await relay.publish("org-1", ORG, json.dumps({"type": "x", "at": "", "data": {}}))
    finally:
        await relay.close()
    assert isinstance(after, Published)
    assert after.position.offset == told["published"] + 1
    stored: Any = await redis.xrange(channel_key("org-1", ORG))
    entries = [json.loads(fields[b"e"]) for _, fields in stored]
    assert [entry["data"].get("n") for entry in entries[:-1]] == list(range(1, len(entries)))
    assert {entry["position"].partition(":")[0] for entry in entries} == {after.position.epoch}
