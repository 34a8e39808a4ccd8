"""RFC 6455 on the opening handshake, server side."""

from collections.abc import Mapping
from typing import NamedTuple

import pytest
from callboard_contracts.native import SUBPROTOCOL
from callboard_testkit.raw_peer import RawPeer, raw_connection

from .conftest import Server
from .expectations import SOON, is_well

PATH = "/api/socials/ws"
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The standard's own example."""
USUAL = {
    "Host": "localhost",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Protocol": SUBPROTOCOL,
}


class Answer(NamedTuple):
    """Header names are in lower case; each has the list of its values."""

    status: int
    headers: dict[str, list[str]]


def request(
    server: Server, headers: Mapping[str, str | None] | None = None, *, first: str = f"GET {PATH} HTTP/1.1"
) -> bytes:
    """An upgrade with a credential; a header that is None is left out."""
    fields = USUAL | {"Authorization": f"Bearer {server.token()}"} | dict(headers or {})
    lines = [first, *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode()


async def answer_to(peer: RawPeer) -> Answer:
    status_line, *lines = (await peer.head()).decode().rstrip().split("\r\n")
    headers: dict[str, list[str]] = {}
    for name, _, value in (line.partition(": ") for line in lines):
        headers.setdefault(name.lower(), []).append(value)
    return Answer(int(status_line.split(" ")[1]), headers)


async def test_the_answer_proves_that_the_key_was_read(server: Server) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server))
        answer = await answer_to(peer)
        assert answer.status == 101
        assert answer.headers["sec-websocket-accept"] == [ACCEPT]
        assert [value.lower() for value in answer.headers["upgrade"]] == ["websocket"]
        assert [value.lower() for value in answer.headers["connection"]] == ["upgrade"]
        assert answer.headers["sec-websocket-protocol"] == [SUBPROTOCOL]
        assert "content-length" not in answer.headers
        assert (await peer.receive()).json["type"] == "connected"
        await is_well(peer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "WebSocket", "Connection": "upgrade"},
        {"Connection": "keep-alive, Upgrade"},
        {"Sec-WebSocket-Key": f"  {KEY}  ", "Sec-WebSocket-Version": " 13 "},
        {"Sec-WebSocket-Protocol": f"other, {SUBPROTOCOL},another"},
        {"Sec-WebSocket-Protocol": f"other\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}"},
        {"Cookie": "x=" + "y" * 4_000},
    ],
    ids=["another case", "two connection options", "spaces", "several protocols", "in two headers", "a long header"],
)
async def test_ways_to_ask_that_mean_the_same(server: Server, headers: dict[str, str]) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server, headers))
        answer = await answer_to(peer)
        assert answer.status == 101
        assert answer.headers["sec-websocket-protocol"] == [SUBPROTOCOL]


async def test_a_request_in_many_segments_is_one(server: Server) -> None:
    wire = request(server)
    async with raw_connection(server.process.url) as peer:
        await peer.send(*(wire[at : at + 7] for at in range(0, len(wire), 7)))
        assert (await answer_to(peer)).status == 101
        assert (await peer.receive()).json["type"] == "connected"


@pytest.mark.parametrize("protocols", [None, "other", "ticket", f"{SUBPROTOCOL}0"])
async def test_no_protocol_is_chosen_that_was_not_offered(server: Server, protocols: str | None) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server, {"Sec-WebSocket-Protocol": protocols}))
        answer = await answer_to(peer)
        assert answer.status == 101
        assert "sec-websocket-protocol" not in answer.headers


async def test_an_extension_that_is_offered_is_not_taken(server: Server) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server, {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}))
        answer = await answer_to(peer)
        assert answer.status == 101
        assert "sec-websocket-extensions" not in answer.headers


@pytest.mark.parametrize("version", [None, "8", "14", "thirteen", "13\r\nSec-WebSocket-Version: 8"])
async def test_another_version_is_refused_and_ours_is_named(server: Server, version: str | None) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server, {"Sec-WebSocket-Version": version}))
        answer = await answer_to(peer)
        assert answer.status in {400, 426}
        if answer.status == 426:
            assert answer.headers["sec-websocket-version"] == ["13"]


@pytest.mark.parametrize(
    "key",
    [None, "", "short", KEY[:-4], KEY + "AAAA", "!" * 22 + "==", f"{KEY}\r\nSec-WebSocket-Key: {KEY}"],
    ids=["none", "empty", "short", "13 bytes", "more than 16", "no base64", "twice"],
)
async def test_a_key_that_is_none_is_400(server: Server, key: str | None) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server, {"Sec-WebSocket-Key": key}))
        assert (await answer_to(peer)).status == 400


@pytest.mark.parametrize(
    ("first", "statuses"),
    [
        (f"POST {PATH} HTTP/1.1", {400, 405, 426}),
        (f"OPTIONS {PATH} HTTP/1.1", {400, 405, 426}),
        ("GET /nowhere HTTP/1.1", {403, 404}),
        ("GET /%ff%fe HTTP/1.1", {400, 403, 404}),
        (f"GET {PATH}?%00=%ff HTTP/1.1", {101, 400}),
    ],
    ids=["POST", "OPTIONS", "no such path", "no text in the path", "no text in the query"],
)
async def test_a_request_that_opens_no_socket_is_answered_in_http(
    server: Server, first: str, statuses: set[int]
) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server, first=first))
        assert (await answer_to(peer)).status in statuses


async def test_a_refusal_says_how_long_it_is_and_ends_the_connection(server: Server) -> None:
    async with raw_connection(server.process.url) as peer:
        await peer.send(request(server, {"Authorization": None}))
        answer = await answer_to(peer)
        assert answer.status == 401
        assert answer.headers["content-type"] == ["application/problem+json"]
        body = await peer.ended(patience=SOON)
        assert answer.headers["content-length"] == [str(len(body))]
