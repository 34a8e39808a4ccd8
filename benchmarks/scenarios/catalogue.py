"""All scenarios, and who is measured in each."""

from collections.abc import Iterator

from benchmarks.peers.node_peers import socketio_node
from benchmarks.peers.python_socketio import python_socketio
from benchmarks.peers.roster import peers
from benchmarks.peers.tools import Tools
from benchmarks.scenarios import curves, fan_out, sockets
from benchmarks.scenarios.scenario import Scenario
from benchmarks.server import Server
from benchmarks.servers.callboard import Callboard, CallboardSocketIo
from benchmarks.servers.gateway import BehindOurGateway


def catalogue(tools: Tools) -> tuple[Scenario, ...]:
    """In the order in which a full run has them."""
    native, socketio, node = Callboard(tools), CallboardSocketIo(tools), socketio_node(tools)
    proxied = tuple(BehindOurGateway(server, tools) for server in (native, socketio, node))
    everybody = (native, *peers(tools))
    speak_socketio = (socketio, node, python_socketio(tools))
    return (*_of_events(everybody, proxied, speak_socketio), *_of_sockets(everybody, proxied[:1]))


def _of_events(
    everybody: tuple[Server, ...], proxied: tuple[Server, ...], speak_socketio: tuple[Server, ...]
) -> Iterator[Scenario]:
    ours = everybody[:1]
    question = "What does a delivery cost, at 60 events a second to 1,000 sockets?"
    yield Scenario("calm", question, fan_out.COLUMNS, everybody, fan_out.calm, in_turns=True)
    question = "How much gets through, at 2,000, 5,000 and 8,000 events a second to 1,000 sockets?"
    yield Scenario("flood", question, fan_out.COLUMNS, everybody, fan_out.flood, in_turns=True)
    question = "Does it hold 2,000 events a second to 1,000 sockets for a minute, without a queue that grows?"
    yield Scenario("endurance", question, fan_out.ENDURANCE_COLUMNS, ours, fan_out.endurance)
    question = "How much gets through NGINX with one worker, at 1,000 and at 2,000 events a second to 1,000 sockets?"
    yield Scenario("gateway", question, fan_out.COLUMNS, proxied, fan_out.through_gateway)
    question = "The same for clients of Socket.IO, at 60, 1,000 and 2,000 events a second; and their idle sockets."
    columns = fan_out.COLUMNS + sockets.IDLE_COLUMNS
    yield Scenario("socketio", question, columns, speak_socketio, fan_out.socketio)


def _of_sockets(everybody: tuple[Server, ...], proxied: tuple[Server, ...]) -> Iterator[Scenario]:
    question = "What does a handshake cost, at 128 at once? For Callboard with a ticket that is checked and used up."
    yield Scenario("storm", question, sockets.STORM_COLUMNS, everybody, sockets.storm)
    question = "What does an open socket cost, of 10,000?"
    yield Scenario("idle", question, sockets.IDLE_COLUMNS, (*everybody, *proxied), sockets.idle)
    question = "How does cost grow with members, with organisations that are idle, with sockets that are open?"
    yield Scenario("curves", question, curves.COLUMNS, everybody[:1], curves.curves)
