"""Shortcuts to the routes that are called in storms, when everybody comes back at once."""

from collections.abc import Iterable, Mapping

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

    Without it everything is as it is, only slower. Before a call come request ids, metrics, CORS and the net for
    unhandled errors, as before every route. Before an upgrade come request ids alone: the others let it pass.
    """

    def __init__(self, app: ASGIApp, shortcuts: Mapping[Target, ASGIApp]) -> None:
        self._app = app
        self._shortcuts = shortcuts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = (scope.get("method", scope["type"]), scope.get("path", ""))
        await self._shortcuts.get(target, self._app)(scope, receive, send)


def open_front_door(app: FastAPI, routes: Iterable[BaseRoute]) -> None:
    """Have `app` take the shortcut to each of the routes that has one: sockets, and `DirectJsonRoute`s."""
    upgrades: dict[Target, ASGIApp] = {}
    calls: dict[Target, ASGIApp] = {}
    for route in routes:
        if isinstance(route, WebSocketRoute):
            upgrades["websocket", route.path] = route.app
        elif isinstance(route, DirectJsonRoute):
            call = ExceptionMiddleware(route.call, handlers=app.exception_handlers)
            calls |= {(method, route.path): call for method in route.methods or ()}
    app.user_middleware.insert(1, Middleware(FrontDoor, shortcuts=upgrades))  # behind the first: request ids
    app.user_middleware.append(Middleware(FrontDoor, shortcuts=calls))
