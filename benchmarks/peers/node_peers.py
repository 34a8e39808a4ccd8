"""The peers on Node: Socket.IO with its Redis adapter, and `ws` with a loop written by hand."""

import json
from functools import partial

from benchmarks.peers.openings import plain_openings, socketio_openings
from benchmarks.peers.redis_fed import Kind, RedisFed
from benchmarks.peers.tools import PROGRAMS, Tools


def socketio_node(tools: Tools) -> RedisFed:
    kind = Kind(
        name="Socket.IO + redis-adapter (Node)",
        command=partial(_command, tools, "socketio_server.mjs"),
        wire="socketio-emitter",
        openings=socketio_openings,
        version=partial(_versions, tools, "socket.io", "@socket.io/redis-adapter", "bufferutil"),
    )
    return RedisFed(tools, kind)


def ws_node(tools: Tools) -> RedisFed:
    kind = Kind(
        name="ws (Node)",
        command=partial(_command, tools, "ws_server.mjs"),
        wire="redis",
        openings=lambda port, count, organisation: plain_openings(port, f"/?org={organisation}", count),
        version=partial(_versions, tools, "ws", "bufferutil"),
    )
    return RedisFed(tools, kind)


def _command(tools: Tools, program: str, port: int, redis_port: int) -> list[str]:
    return [tools.node, str(PROGRAMS / program), str(port), str(redis_port)]


def _versions(tools: Tools, *packages: str) -> str:
    locked = json.loads((tools.root / "benchmarks" / "package-lock.json").read_bytes())["packages"]
    return ", ".join(f"{name} {locked[f'node_modules/{name}']['version']}" for name in packages)
