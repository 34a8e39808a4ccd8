"""python-socketio with its Redis manager, one room per organisation."""

import os
from typing import Any

import socketio


def create_app() -> Any:
    manager = socketio.AsyncRedisManager(f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0")
    server = socketio.AsyncServer(async_mode="asgi", client_manager=manager, transports=["websocket"])

    async def connect(sid: str, _: dict[str, Any], auth: dict[str, Any]) -> None:
        await server.enter_room(sid, f"org:{auth['org']}")

    server.on("connect", connect)
    return socketio.ASGIApp(server)
