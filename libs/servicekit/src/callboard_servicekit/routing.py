"""Routes that read their body with the strict parser. Every router of a service uses one of these classes."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from callboard_servicekit.problems import RepairingJsonRequest, SmallJsonRequest, StrictJsonRequest

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictJsonRoute(APIRoute):
    """``APIRouter(route_class=StrictJsonRoute)``: bodies are strict JSON."""

    request_class: type[StrictJsonRequest] = StrictJsonRequest

    async def admit(self, request: Request) -> None:
        """Refuse by raising, before the body is read; a route class that knows who may call overrides it."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            await self.admit(request)
            return await handler(self.request_class(request.scope, request.receive))

        return handle


class SmallJsonRoute(StrictJsonRoute):
    """The same for what anybody may send: a body of 16 KiB at most."""

    request_class = SmallJsonRequest


class RepairingJsonRoute(StrictJsonRoute):
    """The same, but text in values is repaired instead of refused."""

    request_class = RepairingJsonRequest
