"""A small application with everything that `build_app` installs, and calls that go wrong in every way."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from callboard_servicekit.app import build_app
from callboard_servicekit.errors import Forbidden, NotAuthenticated, ServiceError, TooManyRequests
from callboard_servicekit.routing import RepairingJsonRoute, StrictJsonRoute
from callboard_servicekit.settings import ServiceSettings
from fastapi import APIRouter, Body, FastAPI
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.requests import Request
from starlette.responses import StreamingResponse

OWN_ORIGIN = "http://localhost:8080"


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=10)]
    count: int = 1


class Teapot(ServiceError):
    status = 418  # type: ignore[assignment]
    code = "teapot"
    detail = "Short and stout."

    def members(self) -> dict[str, object]:
        return {"handle": True}


def sqlite_error(message: str, code: int) -> OperationalError:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return OperationalError("SELECT secret", {}, error)


class GuardedJsonRoute(StrictJsonRoute):
    async def admit(self, request: Request) -> None:
        raise Forbidden(f"not to {request.url.path}")


FAILURES: dict[str, Exception] = {
    "redis": RedisError("gone"),
    "refused": ConnectionRefusedError("gone"),
    "timeout": TimeoutError("gone"),
    "no-address": OSError(-2, "Name or service not known"),
    "locked": sqlite_error("database is locked", sqlite3.SQLITE_BUSY),
    "disk": sqlite_error("disk I/O error", sqlite3.SQLITE_IOERR),
    "no-table": sqlite_error("no such table: t", sqlite3.SQLITE_ERROR),
    "no-file": FileNotFoundError(2, "No such file", "/secret/path"),
    "integrity": IntegrityError("INSERT secret", {}, Exception("duplicate")),
    "bug": ZeroDivisionError("secret: 1/0"),
    "teapot": Teapot(),
    "unauthenticated": NotAuthenticated(),
    "too-many": TooManyRequests(0),
}


def make_app() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = build_app("test", ServiceSettings(public_url=OWN_ORIGIN), lifespan)
    strict = APIRouter(prefix="/strict", route_class=StrictJsonRoute)
    repairing = APIRouter(prefix="/repairing", route_class=RepairingJsonRoute)

    async def echo(item: Item) -> Item:
        return item

    async def echo_any(body: Annotated[Any, Body()]) -> Any:
        return body

    guarded = APIRouter(prefix="/guarded", route_class=GuardedJsonRoute)
    for router in (strict, repairing, guarded):
        router.add_api_route("/items", echo, methods=["POST"])
        router.add_api_route("/any", echo_any, methods=["POST"])
        app.include_router(router)

    @app.get("/items/{number}")
    async def show(number: int) -> int:
        return number

    @app.get("/fail/{how}")
    async def fail(how: str) -> None:
        raise FAILURES[how]

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"begun"
            raise ZeroDivisionError

        return StreamingResponse(body())

    return app


@pytest.fixture
def app() -> FastAPI:
    return make_app()


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the application in memory; what it raises past its own edge reaches the test."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
