"""Clauses SIO-*: what Socket.IO clients meet, packet by packet. Their real clients are in `clients`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from callboard_testkit.native_client import PATIENCE_SECONDS, native_client, open_socket
from callboard_testkit.socketio_packets import PacketClient, packet_client
from callboard_testkit.suite import Account
from websockets.exceptions import InvalidStatus

HANDSHAKE = "?EIO=4&transport=polling"
BOTH_PATHS = pytest.mark.parametrize("path", ["/socket.io/", "/socket.io", "/ws/", "/ws"])
WRONG = ["x", "a.b.c", "", 7, ["x"]]


@asynccontextmanager
async def dashboard(account: Account) -> AsyncIterator[PacketClient]:
    """A client of namespace ``/`` that has been let in."""
    async with packet_client(account.door.root) as client:
        await client.connect({"token": account.token})
        assert (await client.receive())[0] == "auth-success"
        yield client


@pytest.mark.clause("SIO-1")
@BOTH_PATHS
async def test_polling_is_spoken_on_both_paths(http: httpx.AsyncClient, account: Account, path: str) -> None:
    answer = await http.get(account.door.root + path + HANDSHAKE)
    assert answer.status_code == 200
    assert json.loads(answer.text[1:])["upgrades"] == ["websocket"]


@pytest.mark.clause("SIO-1")
@BOTH_PATHS
async def test_websocket_is_spoken_on_both_paths(account: Account, path: str) -> None:
    async with packet_client(account.door.root, path=path) as client:
        assert await client.connect({"token": account.token})


@pytest.mark.clause("SIO-1")
async def test_a_polling_session_goes_on_over_websocket(http: httpx.AsyncClient, account: Account) -> None:
    address = f"{account.door.root}/socket.io/{HANDSHAKE}"
    session = json.loads((await http.get(address)).text[1:])["sid"]
    address += f"&sid={session}"
    connected = await http.post(address, content="40" + json.dumps({"token": account.token}))
    assert (connected.status_code, connected.text) == (200, "ok")
    url = address.replace("http://", "ws://").replace("transport=polling", "transport=websocket")
    polled = (await http.get(address)).text
    assert polled.startswith("40")
    async with open_socket(url) as client:
        await client.socket.send("2probe")
        assert await client.receive_text() == "3probe"
        await client.socket.send("5")
        await account.update("task-upgraded", "RUNNING")
        text = polled
        while "execution-updated" not in text:
            text = await client.receive_text()
        assert '"taskId":"task-upgraded"' in text


@pytest.mark.clause("SIO-1")
async def test_an_upgrade_without_a_version_is_the_native_socket(account: Account) -> None:
    url = account.door.root.replace("http://", "ws://") + "/ws"
    async with native_client(url, await account.ticket()) as client:
        assert client.connected["type"] == "connected"


@pytest.mark.clause("SIO-2")
async def test_the_handshake_tells_the_heartbeat_in_milliseconds(http: httpx.AsyncClient, account: Account) -> None:
    opened = json.loads((await http.get(f"{account.door.root}/socket.io/{HANDSHAKE}")).text[1:])
    assert (opened["pingInterval"], opened["pingTimeout"], opened["maxPayload"]) == (25_000, 10_000, 65_536)


@pytest.mark.clause("SIO-2")
async def test_a_payload_that_is_too_large_is_refused(http: httpx.AsyncClient, account: Account) -> None:
    address = f"{account.door.root}/socket.io/{HANDSHAKE}"
    session = json.loads((await http.get(address)).text[1:])["sid"]
    refused = await http.post(f"{address}&sid={session}", content="4" + "x" * 65_536)
    assert refused.status_code == 413
    assert refused.json()["status"] == 413


@pytest.mark.clause("SIO-3")
@pytest.mark.parametrize(
    "query",
    [
        "?EIO=3&transport=polling",
        "?EIO=4&transport=other",
        "?EIO=4",
        "?EIO=4&transport=polling&sid=unknown",
        "?EIO=4&transport=websocket",
    ],
)
async def test_what_the_protocol_does_not_allow_is_a_problem(
    http: httpx.AsyncClient, account: Account, query: str
) -> None:
    refused = await http.get(f"{account.door.root}/socket.io/{query}")
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.clause("SIO-5")
@pytest.mark.parametrize("name", ["token", "jwt"])
async def test_a_primary_token_opens_a_namespace(account: Account, name: str) -> None:
    async with packet_client(account.door.root) as client:
        await client.connect({name: account.token})
        assert (await client.receive())[0] == "auth-success"


@pytest.mark.clause("SIO-5")
@pytest.mark.parametrize("name", ["token", "jwt"])
async def test_a_ticket_opens_one_namespace(account: Account, name: str) -> None:
    ticket = await account.ticket()
    answers = []
    for _ in range(2):
        async with packet_client(account.door.root) as client:
            await client.connect({name: ticket})
            answers.append((await client.receive())[0])
    assert answers == ["auth-success", "auth-error"]


@pytest.mark.clause("SIO-5")
async def test_the_handshakes_own_credential_counts_where_auth_has_none(account: Account, own_origin: str) -> None:
    cookie = {"Cookie": f"auth_token={account.token}", "Origin": own_origin}
    for headers in (account.bearer, cookie):
        async with packet_client(account.door.root, additional_headers=headers) as client:
            await client.connect()
            assert (await client.receive())[0] == "auth-success"
    async with packet_client(account.door.root, path="/socket.io/") as client:
        await client.connect({})
        assert (await client.receive())[0] == "auth-error"


@pytest.mark.clause("SIO-5")
@pytest.mark.parametrize("origin", [None, "null", "https://evil.example.com", "http://localhost.evil.example.com"])
async def test_a_cookie_from_elsewhere_opens_nothing(account: Account, origin: str | None) -> None:
    headers = {"Cookie": f"auth_token={account.token}"} | ({} if origin is None else {"Origin": origin})
    async with packet_client(account.door.root, additional_headers=headers) as client:
        await client.connect()
        assert await client.receive() == ["auth-error", {"error": "Authentication required"}]


@pytest.mark.clause("SIO-5")
@pytest.mark.parametrize(
    ("site", "event"), [("same-origin", "auth-success"), ("cross-site", "auth-error"), (None, "auth-error")]
)
async def test_a_page_of_our_own_polls_with_its_cookie(
    http: httpx.AsyncClient, account: Account, site: str | None, event: str
) -> None:
    """A browser sends no Origin with a GET of the page's own."""
    headers = {"Cookie": f"auth_token={account.token}"} | ({} if site is None else {"Sec-Fetch-Site": site})
    address = f"{account.door.root}/socket.io/{HANDSHAKE}"
    opened = await http.get(address, headers=headers)
    address += "&sid=" + json.loads(opened.text[1:])["sid"]
    await http.post(address, content="40", headers=headers)
    assert event in (await http.get(address, headers=headers)).text


@pytest.mark.clause("SIO-6")
@pytest.mark.parametrize("path", ["/socket.io/", "/ws/"])
async def test_a_bad_token_in_the_request_itself_is_401(http: httpx.AsyncClient, account: Account, path: str) -> None:
    address = account.door.root + path + HANDSHAKE
    for refused in (
        await http.get(address + "&token=forged"),
        await http.get(address, headers={"Authorization": "Bearer forged"}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
    with pytest.raises(InvalidStatus) as upgrade:
        async with packet_client(account.door.root, path=path, additional_headers={"Authorization": "Bearer forged"}):
            pass
    assert upgrade.value.response.status_code == 401


@pytest.mark.clause("SIO-7")
@pytest.mark.parametrize(
    ("path", "namespace"), [("/socket.io/", "/producer"), ("/ws/", "/agents"), ("/socket.io/", "/agents/x")]
)
async def test_an_unknown_namespace_is_a_connect_error(account: Account, path: str, namespace: str) -> None:
    async with packet_client(account.door.root, namespace, path) as client:
        assert (await client.refused({"token": account.token}))["message"] == "Invalid namespace"


@pytest.mark.clause("SIO-8")
async def test_what_is_refused_for_good_is_disconnected_by_a_packet(account: Account) -> None:
    async with packet_client(account.door.root) as client:
        await client.connect({"token": "forged"})
        assert (await client.receive())[0] == "auth-error"
        assert await client.disconnected()


@pytest.mark.clause("SIO-9")
@pytest.mark.parametrize(("path", "namespace"), [("/socket.io/", "/"), ("/socket.io/", "/agents"), ("/ws/", "/")])
async def test_a_logout_disconnects_for_good(account: Account, path: str, namespace: str) -> None:
    async with packet_client(account.door.root, namespace, path) as client:
        await client.connect({"token": account.token})
        logout = await account.post(f"{account.door.auth}/api/logout")
        assert logout.is_success
        assert await client.disconnected()


@pytest.mark.clause("SIO-10")
async def test_native_and_socketio_members_hear_the_same_in_the_same_order(account: Account) -> None:
    count = 40
    async with dashboard(account) as first, dashboard(account) as second, account.socket() as native:
        posts = [account.update(f"task-{number}", "RUNNING", number=number) for number in range(count)]
        await asyncio.gather(*posts)
        heard = [(await native.receive())["data"]["number"] for _ in range(count)]
        for client in (first, second):
            assert [(await client.receive())[1]["number"] for _ in range(count)] == heard
    assert sorted(heard) == list(range(count))


@pytest.mark.clause("SIO-EXEC-1")
async def test_a_dashboard_is_told_that_it_is_connected(account: Account) -> None:
    async with packet_client(account.door.root) as client:
        await client.connect({"token": account.token})
        told = {
            "message": "Connected to organization channel",
            "organizationId": account.organization["id"],
            "userId": account.user["id"],
            "role": "owner",
        }
        assert await client.receive() == ["auth-success", told]


@pytest.mark.clause("SIO-EXEC-1")
async def test_another_organisations_dashboard_hears_nothing(account: Account, stranger: Account) -> None:
    async with dashboard(account) as ours, dashboard(stranger) as theirs:
        await account.update("task-1", "RUNNING")
        await stranger.update("task-2", "PENDING")
        assert (await ours.receive())[1]["taskId"] == "task-1"
        assert (await theirs.receive())[1]["taskId"] == "task-2"


@pytest.mark.clause("SIO-EXEC-2")
async def test_nobody_is_told_what_is_missing(account: Account) -> None:
    for auth in (None, {}, {"token": None}, {"token": ""}):
        async with packet_client(account.door.root) as client:
            await client.connect(auth)
            assert await client.receive() == ["auth-error", {"error": "Authentication required"}]
            assert await client.disconnected()


@pytest.mark.clause("SIO-EXEC-2")
@pytest.mark.parametrize("token", ["forged", "a.b.c", 7, ["x"], {"a": 1}, True])
async def test_a_bad_token_is_told_so(account: Account, token: object) -> None:
    async with packet_client(account.door.root) as client:
        await client.connect({"token": token})
        assert await client.receive() == ["auth-error", {"error": "Invalid or expired token"}]
        assert await client.disconnected()


@pytest.mark.clause("SIO-EXEC-3")
async def test_an_update_is_told_as_it_was_posted(account: Account) -> None:
    async with dashboard(account) as client:
        await account.update("task-1", "RUNNING", startTime="2026-01-29T10:00:00Z", suite={"name": "checkout"})
        told = {
            "taskId": "task-1",
            "organizationId": account.organization["id"],
            "status": "RUNNING",
            "startTime": "2026-01-29T10:00:00Z",
            "suite": {"name": "checkout"},
            "attempt": 1,
            "version": 1,
        }
        assert await client.receive() == ["execution-updated", told]


@pytest.mark.clause("SIO-EXEC-4")
async def test_a_chunk_of_lines_is_told_as_text(account: Account) -> None:
    await account.update("task-1", "RUNNING")
    async with dashboard(account) as client:
        lines = {"firstLine": 1, "lines": ["Running test suite...", "", "é"]}
        written = await account.post(f"{account.door.producer}/executions/task-1/logs", json=lines)
        written.raise_for_status()
        told = {"taskId": "task-1", "log": "Running test suite...\n\né\n"}
        assert await client.receive() == ["execution-log", told]


@pytest.mark.clause("SIO-FLOW-1")
@pytest.mark.parametrize("auth", [None, {}, {"token": "forged"}, {"jwt": "a.b.c"}])
async def test_workflows_are_not_open_to_nobody(account: Account, auth: dict[str, object] | None) -> None:
    async with packet_client(account.door.root, path="/ws/") as client:
        assert await client.refused(auth) == {"message": "Unauthorized", "data": {"status": 401}}


@pytest.mark.clause("SIO-FLOW-2")
async def test_agent_events_are_told_as_they_were_posted(account: Account, stranger: Account) -> None:
    async with (
        packet_client(account.door.root, path="/ws/") as client,
        packet_client(account.door.root, path="/ws/") as theirs,
    ):
        await client.connect({"token": account.token})
        await theirs.connect({"token": stranger.token})
        for kind in ("thought", "tool_call", "result", "error"):
            body = {"type": kind, "data": {"content": kind}, "timestamp": "2026-01-29T10:00:00.000Z"}
            posted = await account.post(f"{account.door.producer}/workflows/flow-1/events", json=body)
            posted.raise_for_status()
            assert await client.receive() == [f"agent:{kind}", body | {"workflowId": "flow-1"}]
        own = {"type": "result", "data": {}, "timestamp": "2026-01-29T10:00:00.000Z"}
        (await stranger.post(f"{account.door.producer}/workflows/flow-2/events", json=own)).raise_for_status()
        assert await theirs.receive() == ["agent:result", own | {"workflowId": "flow-2"}]


@pytest.mark.clause("SIO-4")
async def test_polling_needs_neither_a_cookie_nor_an_address(http: httpx.AsyncClient, account: Account) -> None:
    """With several replicas this is in `clients`; here no answer may set a cookie to find the way back."""
    address = f"{account.door.root}/socket.io/{HANDSHAKE}"
    opened = await http.get(address)
    assert "set-cookie" not in opened.headers
    session = json.loads(opened.text[1:])["sid"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        connected = await http.post(f"{address}&sid={session}", content="40" + json.dumps({"token": account.token}))
        polled = await http.get(f"{address}&sid={session}")
    assert connected.text == "ok"
    assert polled.text.startswith("40")
