"""``/socket.io/`` and ``/ws``: Socket.IO where the query says so, else the native socket."""

from fastapi import FastAPI
from starlette.datastructures import QueryParams
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from callboard_social.api.socket import UpgradeRequired
from callboard_social.engines import SOCKETIO_PATH, WORKFLOWS_PATH
from callboard_social.resources import resources_of


class _Door:
    """One path that two protocols share."""

    def __init__(self, app: FastAPI, path: str, native: ASGIApp) -> None:
        self._app = app
        self._path = path
        self._native = native

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "EIO" in QueryParams(scope["query_string"]):
            await resources_of(self._app).engines[self._path](scope, receive, send)
        elif scope["type"] == "websocket":
            await self._native(scope, receive, send)
        else:
            raise UpgradeRequired


def add_routes(app: FastAPI, native: ASGIApp) -> None:
    """Serve both paths, with and without their last slash."""
    for path in (SOCKETIO_PATH, WORKFLOWS_PATH):
        door = _Door(app, path, native)
        for spelling in (path, path + "/"):
            app.router.routes += [Route(spelling, door), WebSocketRoute(spelling, door)]
