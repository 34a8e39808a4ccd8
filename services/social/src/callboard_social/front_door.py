"""Shortcuts to the routes that are called in storms, when everybody comes back at once."""

from collections.abc import Iterable

from callboard_servicekit.routing import DirectJsonRoute
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

Target = tuple[str, str]
"""A method, or ``websocket``, and a path without parameters."""


class FrontDoor:
    """Finds by one look-up what the router finds by a walk through its layers and routes.

    It stands innermost: request ids, metrics, CORS and the net for unhandled errors come before it, as before every
    route. Without it everything is as it is, only slower.
    """

    def __init__(self, app: ASGIApp, shortcuts: dict[Target, ASGIApp]) -> None:
        self._app = app
        self._shortcuts = shortcuts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = (scope.get("method", scope["type"]), scope.get("path", ""))
        await self._shortcuts.get(target, self._app)(scope, receive, send)


def open_front_door(app: FastAPI, routes: Iterable[BaseRoute]) -> None:
    """Have `app` take the shortcut to each of the routes that has one: sockets, and `DirectJsonRoute`s."""
    shortcuts: dict[Target, ASGIApp] = {}
    for route in routes:
        if isinstance(route, WebSocketRoute):
            shortcuts["websocket", route.path] = route.app
        elif isinstance(route, DirectJsonRoute):
            call = ExceptionMiddleware(route.call, handlers=app.exception_handlers)
            shortcuts |= {(method, route.path): call for method in route.methods or ()}
    app.user_middleware.append(Middleware(FrontDoor, shortcuts=shortcuts))
