"""python-socketio with its Redis manager, under uvicorn."""

from functools import partial

from benchmarks.peers.openings import socketio_openings
from benchmarks.peers.python_packages import python_versions, uvicorn_command
from benchmarks.peers.redis_fed import Kind, RedisFed
from benchmarks.peers.tools import Tools


def python_socketio(tools: Tools) -> RedisFed:
    kind = Kind(
        name="python-socketio",
        command=lambda port, _: uvicorn_command(tools, "python_socketio_server:create_app", port),
        wire="python-socketio-manager",
        openings=socketio_openings,
        version=partial(python_versions, tools, "python-socketio", "uvicorn", "websockets"),
    )
    return RedisFed(tools, kind)
