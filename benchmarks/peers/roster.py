"""Everybody that Callboard is measured beside."""

from benchmarks.peers.gateway import BehindGateway, plain_proxy
from benchmarks.peers.nats import Nats
from benchmarks.peers.nchan import Nchan
from benchmarks.peers.node_peers import socketio_node, ws_node
from benchmarks.peers.python_socketio import python_socketio
from benchmarks.peers.starlette_tutorial import starlette
from benchmarks.peers.tools import Tools
from benchmarks.peers.uwebsockets import UWebSockets
from benchmarks.server import Server


def peers(tools: Tools) -> tuple[Server, ...]:
    """Each is started by its own `start`; nothing runs yet."""
    return (
        UWebSockets(tools),
        Nchan(tools),
        Nats(tools),
        socketio_node(tools),
        ws_node(tools),
        python_socketio(tools),
        starlette(tools),
    )


def behind_nginx(server: Server, tools: Tools) -> Server:
    """A peer behind the proxy that its users would write."""
    return BehindGateway(server, tools, plain_proxy)
