"""Socket.IO with test applications, on a real port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from callboard_servicekit.errors import Unavailable
from callboard_social.dialects.socketio.application import Application, ConnectRefused
from callboard_social.dialects.socketio.server import SocketIo
from callboard_social.handoff import HandoffProtocol
from callboard_social.wire.engineio import EngineOptions, EngineServer
from callboard_testkit.running import running
from starlette.applications import Starlette
from starlette.routing import Mount

from .socketio_echo import Echo, Refusing

PATIENT = EngineOptions(ping_interval=timedelta(seconds=25), ping_timeout=timedelta(seconds=20))


class SocketIoService:
    """Its address, and how each socket ended: namespace and whether it was clean."""

    def __init__(self) -> None:
        self.url = ""
        self.ends: list[tuple[str, bool]] = []

    @property
    def applications(self) -> dict[str, Application]:
        return {
            "/": lambda socket, _: Echo(socket, self.ends),
            "/custom": lambda socket, _: Echo(socket, self.ends),
            "/refusing": lambda socket, _: Echo(socket, self.ends, ConnectRefused("Unauthorized", {"status": 401})),
            "/disconnecting": lambda socket, _: Refusing(socket, self.ends),
            "/busy": lambda socket, _: Echo(socket, self.ends, Unavailable()),
        }


@asynccontextmanager
async def socketio_service(options: EngineOptions = PATIENT) -> AsyncIterator[SocketIoService]:
    service = SocketIoService()
    engine = EngineServer(options, SocketIo(service.applications))
    app = Starlette(routes=[Mount("/socket.io", engine)])
    async with running(app, ws=HandoffProtocol, ws_ping_interval=None) as url:
        service.url = url
        yield service
        await engine.close()  # before the server stops: it would wait for the polls that are open
