"""The id of a request: taken over, made, returned, and in the log; and what the log never has."""

from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
import structlog
from callboard_servicekit.request_context import RequestContext, current_request_id
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

Message = MutableMapping[str, Any]


async def tell_id(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the id that code below the middleware sees."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept", "headers": [(b"x-id", current_request_id().encode())]})
        return
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body", "body": current_request_id().encode()})


async def refuse_upgrade(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
    await send({"type": "websocket.http.response.body", "body": current_request_id().encode()})


async def call(app: Any = tell_id, kind: str = "http", path: str = "/a", **headers: str) -> list[Message]:
    """The messages that the application sends for one call."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": kind, "method": "GET", "path": path, "query_string": b"token=swordfish", "headers": raw}
    await RequestContext(app)(scope, receive, send)
    return sent


def returned_id(message: Message) -> str:
    found = [value.decode() for name, value in message["headers"] if name.lower() == b"x-request-id"]
    assert len(found) == 1
    return str(found[0])


async def test_a_well_formed_id_is_taken_over_and_returned() -> None:
    start, body = await call(x_request_id="abcDEF_12-34")
    assert returned_id(start) == "abcDEF_12-34"
    assert body["body"] == b"abcDEF_12-34"


@pytest.mark.parametrize(
    "offered", ["", "short", "a" * 65, "has space in", "has\nbreak", "ümlaut-ümlaut", "a;b;c;d;e;f"]
)
async def test_a_malformed_id_is_replaced(offered: str) -> None:
    start, body = await call(x_request_id=offered)
    assert returned_id(start) != offered
    assert len(returned_id(start)) == 32
    assert body["body"].decode() == returned_id(start)


async def test_two_calls_without_an_id_get_two() -> None:
    first, second = (await call())[0], (await call())[0]
    assert returned_id(first) != returned_id(second)
    assert current_request_id() == ""


async def test_a_socket_has_an_id_too_whether_accepted_or_refused() -> None:
    accepted = await call(kind="websocket", x_request_id="abcdefgh")
    assert returned_id(accepted[0]) == "abcdefgh"
    assert (b"x-id", b"abcdefgh") in accepted[0]["headers"]
    refused = await call(refuse_upgrade, kind="websocket")
    assert refused[1]["body"].decode() == returned_id(refused[0])


async def test_an_id_that_the_application_set_itself_is_left_as_it_is() -> None:
    async def sets_its_own(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"its-own-id")]})

    assert returned_id((await call(sets_its_own))[0]) == "its-own-id"


async def test_what_is_neither_a_call_nor_a_socket_passes_by() -> None:
    seen: list[str] = []

    async def lifespan(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"] + current_request_id())

    await call(lifespan, kind="lifespan")
    assert seen == ["lifespan"]


async def test_one_line_is_logged_per_call_with_the_path_and_never_the_query() -> None:
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        await call(path="/items/1", x_request_id="abcdefgh")
        await call(kind="websocket")
    (line,) = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/items/1",
        "status": 204,
        "request_id": "abcdefgh",
    }
    assert "swordfish" not in str(lines)


async def test_a_path_cannot_begin_a_line_of_its_own_in_the_log() -> None:
    with capture_logs() as lines:
        await call(path="/a\n2026-01-01 [info] forged\x1b[2J\ud800")
    assert lines[0]["path"].isascii()
    assert lines[0]["path"].isprintable()


async def test_the_id_is_in_the_problem_and_in_the_answer(http: httpx.AsyncClient) -> None:
    answer = await http.get("/nowhere", headers={"X-Request-Id": "abcdefgh-1"})
    assert answer.headers["x-request-id"] == "abcdefgh-1"
    assert answer.json()["requestId"] == "abcdefgh-1"
