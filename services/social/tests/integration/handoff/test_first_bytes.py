"""A connection until it has said what it is for, with a real uvicorn around it."""

from typing import Any

import httpx
import pytest
from callboard_social.handoff import FirstBytes
from callboard_testkit.raw_peer import Opcode, close_frame, frame, upgrade_request
from callboard_testkit.waiting import eventually
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .handoff_stand import HandsOff, accepted, serving


class Both(HandsOff):
    """Hands sockets off, and answers requests with their path and body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body, has_more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode() + b" " + body})


async def test_requests_are_answered_on_one_connection() -> None:
    async with serving(Both(), http=FirstBytes) as server, httpx.AsyncClient(trust_env=False) as http:
        for _ in range(2):
            answer = await http.post(server.url, content=b"x" * 100_000)
            assert answer.text == "/socket " + "x" * 100_000
        assert [type(connection) for connection in server.connections] == [HttpToolsProtocol]


@pytest.mark.parametrize("cut", [1, 3, 40, -2])
async def test_an_upgrade_in_two_pieces_is_an_upgrade(cut: int) -> None:
    application = Both()
    async with serving(application, http=FirstBytes) as server, server.client() as peer:
        request = upgrade_request(server.url, "none")
        await peer.send(request[:cut])
        await eventually(lambda: [type(connection) for connection in server.connections] == [HttpToolsProtocol])
        await peer.send(request[cut:])
        await accepted(peer)
        await eventually(lambda: server.connections == set(application.sockets))


async def test_frames_in_one_piece_with_the_upgrade_are_read() -> None:
    application = Both()
    async with serving(application, http=FirstBytes) as server, server.client() as peer:
        hello = frame(Opcode.TEXT, b"hello")
        await peer.send(upgrade_request(server.url, "none") + hello + hello[:4])
        await accepted(peer)
        await peer.send(hello[4:], close_frame(1000))
        await eventually(lambda: bool(application.told) and application.told[0].messages == ["hello", "hello"])
        await eventually(lambda: server.is_empty)


async def test_the_request_reaches_the_application_as_by_uvicorns_own_parser() -> None:
    scopes: list[Scope] = []
    for options in ({"http": FirstBytes}, {"http": "httptools"}):
        async with serving(Both(on_scope=scopes.append), **options) as server, server.client() as peer:
            request = upgrade_request(server.url, "none").replace(
                b"\r\n\r\n", b"\r\nX-Mixed-Case:  two  words \r\n\r\n"
            )
            await peer.send(request.replace(b"/socket ", b"/so%63ket?a=%20b "))
            await accepted(peer)
    ours, uvicorns = (_comparable(scope) for scope in scopes)
    assert ours == uvicorns
    assert (b"x-mixed-case", b"two  words") in ours["headers"]
    assert (ours["path"], ours["raw_path"], ours["query_string"]) == ("/socket", b"/so%63ket", b"a=%20b")


def _comparable(scope: Scope) -> dict[str, Any]:
    """Without what differs from connection to connection."""
    kept = {name: scope[name] for name in ("type", "path", "raw_path", "query_string", "subprotocols", "http_version")}
    return kept | {
        "headers": [header for header in scope["headers"] if header[0] not in {b"host", b"sec-websocket-key"}]
    }


async def test_a_connection_that_says_nothing_is_let_go_when_either_side_ends() -> None:
    async with serving(Both(), http=FirstBytes) as server:
        async with server.client():
            await eventually(lambda: [type(connection) for connection in server.connections] == [FirstBytes])
        await eventually(lambda: server.is_empty)
        async with server.client() as peer:
            await eventually(lambda: len(server.connections) == 1)
            server.end()
            assert await peer.ended() == b""
            await eventually(lambda: server.has_ended)
