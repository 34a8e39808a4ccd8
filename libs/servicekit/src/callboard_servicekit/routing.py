"""Routes that read their body with the strict parser. Every router of a service uses one of these classes."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

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


class DirectJsonRoute(StrictJsonRoute):
    """For calls in a storm: the endpoint takes the request and gives the response, and FastAPI only documents it.

    To look for parameters and to serialise costs 60 us, where there are none and the answer is one line.
    """

    def get_route_handler(self) -> Handler:
        async def handle(request: Request) -> Response:
            return await self._answer(request.scope, request.receive)

        return handle

    async def call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The route as an ASGI application, for who knows that it is the one; raises what the endpoint raises."""
        scope["route"] = self
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        request = self.request_class(scope, receive)
        await self.admit(request)
        response: Response = await self.endpoint(request)
        return response
