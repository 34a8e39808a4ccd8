"""Starlette with `send_text` per socket, the usual tutorial, under uvicorn."""

from functools import partial

from benchmarks.peers.openings import plain_openings
from benchmarks.peers.python_packages import python_versions, uvicorn_command
from benchmarks.peers.redis_fed import Kind, RedisFed
from benchmarks.peers.tools import Tools


def starlette(tools: Tools) -> RedisFed:
    kind = Kind(
        name="Starlette",
        command=lambda port, _: uvicorn_command(tools, "starlette_server:create_app", port),
        wire="redis",
        openings=lambda port, count, organisation: plain_openings(port, f"/ws?org={organisation}", count),
        version=partial(python_versions, tools, "starlette", "uvicorn", "websockets"),
    )
    return RedisFed(tools, kind)
