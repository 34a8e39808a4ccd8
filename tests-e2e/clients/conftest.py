"""The seeds' own clients, before a suite with two processes of social behind one gateway."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from callboard_testkit.directus import Directus
from callboard_testkit.node_socketio import NodeClient, NodeClients, node_clients
from callboard_testkit.python_socketio import PythonClient, python_client
from callboard_testkit.socketio_client import Connect, Json, SocketIoClient
from callboard_testkit.suite import Account, Addresses, RunningSuite, start_suite

ROOT = Path(__file__).parents[2]
DRIVER = Path(__file__).with_name("driver.js")
KINDS = ("node", "node-websocket", "python")
PAGE = "https://board.example"
"""An origin on the list of CORS_ORIGINS."""


@pytest.fixture(scope="session")
def directus() -> Iterator[Directus]:
    server = Directus()
    with server.serving():
        yield server


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory, directus: Directus) -> Iterator[RunningSuite]:
    settings = {
        "CALLBOARD_SOCIAL_PROCESSES": "2",
        "CORS_ORIGINS": PAGE,
        "SOCIAL_COOKIE_AUTHORITY_URL": directus.users_me,
        "SOCIAL_COOKIE_AUTHORITY_ORGANIZATION_PATH": "data.organization",
        "SOCIAL_COOKIE_AUTHORITY_ROLE": "member",
        "SOCIAL_PING_INTERVAL": "2s",
        "CALLBOARD_DRAIN_WINDOW": "6s",
    }
    with start_suite(ROOT, tmp_path_factory.mktemp("clients"), settings) as running:
        yield running


@pytest.fixture
async def node() -> AsyncIterator[NodeClients]:
    async with node_clients(DRIVER) as clients:
        yield clients


@pytest.fixture
async def open_python() -> AsyncIterator[Callable[..., Awaitable[PythonClient]]]:
    opened: list[PythonClient] = []

    async def opener(url: str, namespace: str, **options: Any) -> PythonClient:
        opened.append(await python_client(url, namespace, **options))
        return opened[-1]

    yield opener
    for client in opened:
        await client.end()


@pytest.fixture
def connect_node(node: NodeClients, addresses: Addresses) -> Callable[..., Awaitable[NodeClient]]:
    """Opens a socket of npm's client through the gateway; `options` are those of ``io()``."""

    async def connect(namespace: str = "/", *, query: str = "", **options: Any) -> NodeClient:
        return await node.connect(addresses.gateway + namespace.rstrip("/") + query, **options)

    return connect


@pytest.fixture(params=KINDS)
def connect(
    request: pytest.FixtureRequest,
    connect_node: Callable[..., Awaitable[NodeClient]],
    open_python: Callable[..., Awaitable[PythonClient]],
    addresses: Addresses,
) -> Connect:
    """Opens a socket through the gateway: with npm's client as it is, with npm's over WebSocket alone, or Python's."""

    async def connect(
        namespace: str = "/",
        *,
        path: str = "/socket.io",
        query: str = "",
        auth: Json | None = None,
        headers: Json | None = None,
    ) -> SocketIoClient:
        if request.param == "python":
            url = addresses.gateway + query
            return await open_python(url, namespace, auth=auth, headers=headers or {}, socketio_path=path)
        options: Json = {"path": path, "auth": auth or {}, "extraHeaders": headers or {}}
        if request.param == "node-websocket":
            options["transports"] = ["websocket"]
        return await connect_node(namespace, query=query, **options)

    return connect


@pytest.fixture
def agent(account: Account, addresses: Addresses) -> Callable[[str], Awaitable[Json]]:
    """Makes an API token in the account's organisation and trades it: ``{token, agent, apiToken}``."""

    async def sign_in(name: str) -> Json:
        api_token = await account.api_token(name)
        body = {"token": api_token["token"]}
        answer = await account.http.post(f"{addresses.gateway}/api/v1/sessions", json=body)
        session: Json = answer.raise_for_status().json()
        return session | {"apiToken": api_token}

    return sign_in


@pytest.fixture
def sign_in_to_directus(directus: Directus) -> Callable[[Account], str]:
    """Makes somebody of the account's organisation known to the other system; gives the cookie."""

    def sign_in(account: Account) -> str:
        value = secrets.token_urlsafe(24)
        person = {"id": secrets.token_hex(8), "email": "ada@example.org", "first_name": "Ada", "last_name": "L."}
        directus.sessions[value] = person | {"role": "editor", "organization": account.organization["id"]}
        return value

    return sign_in


@pytest.fixture
def post(account: Account, addresses: Addresses) -> Callable[..., Awaitable[Json]]:
    """What a worker of the account's organisation calls, at the address of seed 004."""

    async def post(path: str, body: Json) -> Json:
        answer: httpx.Response = await account.post(addresses.gateway + path, json=body)
        answered: Json = answer.raise_for_status().json()
        return answered

    return post
