"""From a call to the identity behind it, over real HTTP and a real upgrade: credentials, origins, revocations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
import pytest
from callboard_contracts.identity import Identity
from callboard_servicekit.app import build_app, telemetry_of
from callboard_servicekit.errors import ServiceError
from callboard_servicekit.problems import render
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.settings import VerifierSettings
from callboard_servicekit.supervision import supervised
from callboard_servicekit.verification import Verification, start_verification
from callboard_testkit.running import declare_revocations_complete, publish_revocation, running
from callboard_testkit.signing import TokenMinter
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.requests import HTTPConnection, Request
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import InvalidStatus

OWN = "http://localhost:8080"
LISTED = "http://front.example"
SECRET = "0123456789abcdefghijklmnopqrstuv"


class Upgrade:
    """Accepts whom the authenticator lets in."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        await receive()
        try:
            identity = await verification_of(self._app).authenticator.identify(connection)
        except ServiceError as error:
            answer = render(connection, error)
            await answer(scope, receive, send)
            return
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": identity.user_id})
        await send({"type": "websocket.close", "code": 1000})


def verification_of(app: FastAPI) -> Verification:
    verification = app.state.resources
    assert isinstance(verification, Verification)
    return verification


def make_app(settings: VerifierSettings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = connect(settings.redis_url)
        async with httpx.AsyncClient() as client, supervised(lambda: None) as supervisor:
            app.state.resources = start_verification(
                settings, client=client, redis=redis, supervisor=supervisor, telemetry=telemetry_of(app)
            )
            yield
        await redis.aclose()

    app = build_app("test", settings, lifespan)

    @app.api_route("/me", methods=["GET", "POST"])
    async def me(request: Request) -> Identity:
        return await verification_of(app).authenticator.identify(request)

    app.router.routes.append(WebSocketRoute("/ws", Upgrade(app)))
    return app


@asynccontextmanager
async def serving(redis_url: str, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A running application that is ready, and a client of it."""
    fields = {"public_url": OWN, "cors_origins": (LISTED,), "redis_url": redis_url} | settings
    app = make_app(VerifierSettings(**fields))
    async with running(app) as url, httpx.AsyncClient(base_url=url) as http:
        async with Redis.from_url(redis_url) as redis:
            await declare_revocations_complete(redis)

        async def is_ready() -> bool:
            return not await telemetry_of(app).failing()

        await eventually(is_ready)
        yield http


@pytest.fixture
async def http(redis_url: str, jwks_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(redis_url, jwks_url=jwks_url) as client:
        yield client


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} | headers


def cookie(token: str, name: str = "auth_token", **headers: str) -> dict[str, str]:
    return {"Cookie": f"{name}={token}"} | {header.replace("_", "-"): value for header, value in headers.items()}


async def test_a_bearer_token_needs_no_origin_and_minds_none(http: httpx.AsyncClient, minter: TokenMinter) -> None:
    token = minter.mint(sub="u1", org="o1", role="viewer", sid="s1")
    for headers in (bearer(token), bearer(token, Origin="http://evil.example"), bearer(token, Origin="null")):
        answer = await http.post("/me", headers=headers)
        assert answer.status_code == 200
        assert (answer.json()["user_id"], answer.json()["organization_id"]) == ("u1", "o1")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic dTpw"}, {"Authorization": "Bearer"}, {"Cookie": "other=1"}],
)
async def test_without_a_credential_the_call_is_401(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await http.get("/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_bad_token_is_401_and_a_good_cookie_does_not_mend_it(
    http: httpx.AsyncClient, minter: TokenMinter
) -> None:
    expired = minter.mint(exp=1)
    for headers in (bearer(expired), cookie(expired), bearer("x") | cookie(minter.mint())):
        answer = await http.get("/me", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")


ORIGIN_MATRIX = [
    # method, headers, status
    ("GET", {}, 200),
    ("GET", {"Origin": OWN}, 200),
    ("GET", {"Origin": "http://127.0.0.1:8080"}, 200),
    ("GET", {"Origin": LISTED}, 200),
    ("GET", {"Origin": "null"}, 403),
    ("GET", {"Origin": "http://evil.example"}, 403),
    ("GET", {"Origin": "https://localhost:8080"}, 403),
    ("GET", {"Origin": "http://localhost:8081"}, 403),
    ("POST", {}, 403),
    ("POST", {"Origin": OWN}, 200),
    ("POST", {"Origin": "http://[::1]:8080"}, 200),
    ("POST", {"Origin": LISTED}, 200),
    ("POST", {"Origin": "null"}, 403),
    ("POST", {"Origin": "http://evil.example"}, 403),
    ("POST", {"Origin": "http://front.example.evil.example"}, 403),
    ("POST", {"Origin": "https://front.example"}, 403),
    ("POST", {"Origin": "http://front.example:80"}, 403),
    ("POST", {"Sec-Fetch-Site": "same-origin"}, 200),
    ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
    ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("POST", {"Sec-Fetch-Site": "none"}, 403),
    ("POST", {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
]


@pytest.mark.parametrize(("method", "headers", "status"), ORIGIN_MATRIX)
async def test_a_cookie_counts_only_from_where_it_may(
    http: httpx.AsyncClient, minter: TokenMinter, method: str, headers: dict[str, str], status: int
) -> None:
    answer = await http.request(method, "/me", headers=cookie(minter.mint()) | headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "origin-refused"


async def test_a_bad_cookie_from_elsewhere_is_not_told_that_it_is_bad(http: httpx.AsyncClient) -> None:
    answer = await http.post("/me", headers=cookie("x", Origin="http://evil.example"))
    assert answer.json()["code"] == "origin-refused"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (OWN, 101),
        (LISTED, 101),
        (None, 403),
        ("null", 403),
        ("http://evil.example", 403),
        ("https://localhost:8080", 403),
    ],
)
async def test_an_upgrade_on_a_cookie_must_come_from_an_allowed_origin(
    http: httpx.AsyncClient, minter: TokenMinter, origin: str | None, status: int
) -> None:
    url = str(http.base_url).replace("http://", "ws://") + "/ws"
    headers = cookie(minter.mint(sub="u1"))
    if status != 101:
        with pytest.raises(InvalidStatus) as refusal:
            async with open_socket(url, origin=origin, additional_headers=headers, proxy=None):  # type: ignore[arg-type]
                pass
        assert refusal.value.response.status_code == status
        return
    async with open_socket(url, origin=origin, additional_headers=headers, proxy=None) as socket:  # type: ignore[arg-type]
        assert await socket.recv() == "u1"


async def test_an_upgrade_on_a_bearer_token_needs_no_origin(http: httpx.AsyncClient, minter: TokenMinter) -> None:
    url = str(http.base_url).replace("http://", "ws://") + "/ws"
    async with open_socket(url, additional_headers=bearer(minter.mint(sub="u1")), proxy=None) as socket:
        assert await socket.recv() == "u1"


async def test_an_ended_session_is_401_though_its_token_is_good(
    http: httpx.AsyncClient, minter: TokenMinter, redis: Redis
) -> None:
    token = minter.mint(sid="s9")
    assert (await http.get("/me", headers=bearer(token))).status_code == 200
    await publish_revocation(redis, kind="sid", id="s9", at=2**31)

    async def is_refused() -> bool:
        return (await http.get("/me", headers=bearer(token))).status_code == 401

    await eventually(is_refused)
    assert (await http.get("/me", headers=bearer(minter.mint(sid="s8")))).status_code == 200


async def test_with_https_only_the_host_cookie_counts(redis_url: str, jwks_url: str) -> None:
    minter_url = "https://callboard.example"
    async with serving(redis_url, jwks_url=jwks_url, public_url=minter_url) as http:
        own = {"Origin": minter_url}
        assert (await http.get("/me", headers=cookie("x") | own)).json()["code"] == "not-authenticated"
        answer = await http.get("/me", headers=cookie("x", "__Host-auth_token") | own)
        assert answer.json()["code"] == "invalid-token"


async def test_under_a_shared_secret_no_key_set_is_asked_for(redis_url: str, minter: TokenMinter) -> None:
    async with serving(redis_url, jwt_secret=SECRET, jwks_url="http://127.0.0.1:1/nowhere") as http:
        token = jwt.encode(minter.claims(), SECRET, "HS256", headers={"typ": "at+jwt"})
        assert (await http.get("/me", headers=bearer(token))).status_code == 200
        assert (await http.get("/me", headers=bearer(minter.mint()))).status_code == 401


async def test_until_revocations_are_known_nobody_is_let_in(redis_url: str, jwks_url: str, minter: TokenMinter) -> None:
    app = make_app(VerifierSettings(redis_url=redis_url, jwks_url=jwks_url))
    async with running(app) as url, httpx.AsyncClient(base_url=url) as http:

        async def only_revocations_fail() -> bool:
            return await telemetry_of(app).failing() == ["revocations"]

        await eventually(only_revocations_fail)
        answer = await http.get("/me", headers=bearer(minter.mint()))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
