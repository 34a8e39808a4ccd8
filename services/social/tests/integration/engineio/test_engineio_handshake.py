"""How a session is opened, and what is refused before there is one."""

import asyncio
import logging
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from callboard_servicekit.errors import NotAuthenticated
from callboard_social.wire.engineio import Ending
from callboard_testkit.engine_client import POLLING, WEBSOCKET, EngineSocket, handshake_of
from callboard_testkit.engine_under_test import EngineUnderTest, StartEngine
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from websockets.exceptions import InvalidStatus

KEY = "0123456789abcdef0123456789abcdef"
BAD_QUERIES = [
    ({"transport": "polling"}, "unknown-engine-revision"),
    ({"EIO": "3", "transport": "polling"}, "unknown-engine-revision"),
    ({"EIO": "abc", "transport": "polling"}, "unknown-engine-revision"),
    ({"EIO": "\uff14", "transport": "polling"}, "unknown-engine-revision"),
    ({"EIO": "4"}, "unknown-transport"),
    ({"EIO": "4", "transport": "abc"}, "unknown-transport"),
    ({"EIO": "4", "transport": "polling", "sid": "abc"}, "unknown-session"),
    ({"EIO": "4", "transport": "polling", "sid": ""}, "unknown-session"),
    ({"EIO": "4", "transport": "websocket"}, "transport-refused"),
]
BAD_UPGRADES = [
    ({"transport": "websocket"}, "unknown-engine-revision"),
    ({"EIO": "3", "transport": "websocket"}, "unknown-engine-revision"),
    ({"EIO": "4"}, "unknown-transport"),
    ({"EIO": "4", "transport": "abc"}, "unknown-transport"),
    ({"EIO": "4", "transport": "websocket", "sid": "abc"}, "unknown-session"),
    ({"EIO": "4", "transport": "polling"}, "transport-refused"),
]


def problem_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def behind_a_gateway(app: ASGIApp) -> ASGIApp:
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), trusted_hosts="*"))


async def refusal(engine: EngineUnderTest, query: dict[str, str]) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as refused:
        await engine.connect(query)
    return refused.value


async def test_polling_is_answered_with_an_open_packet(start_engine: StartEngine) -> None:
    beat = {"ping_interval": timedelta(milliseconds=25_001), "ping_timeout": timedelta(milliseconds=10_499)}
    async with start_engine(**beat, max_payload=123_456) as engine:
        response = await engine.request("GET", POLLING)
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert response.headers["cache-control"] == "no-store"
        fields = handshake_of(response.text)
        assert len(fields.pop("sid")) == 64
        assert fields == {
            "upgrades": ["websocket"],
            "pingInterval": 25_001,
            "pingTimeout": 10_499,
            "maxPayload": 123_456,
        }


async def test_a_websocket_begins_with_an_open_packet_and_offers_no_upgrade(engine: EngineUnderTest) -> None:
    async with engine.connect() as socket:
        fields = handshake_of(str(await EngineSocket(socket).receive()))
    assert len(fields.pop("sid")) == 64
    assert fields == {"upgrades": [], "pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 1_000_000}


async def test_a_request_that_is_not_of_the_protocol_is_refused(engine: EngineUnderTest) -> None:
    for query, code in BAD_QUERIES:
        assert problem_of(await engine.request("GET", query)) == (400, code), query
    assert not engine.opened


async def test_an_upgrade_that_is_not_of_the_protocol_is_refused(
    engine: EngineUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    for query, code in BAD_UPGRADES:
        refused = await refusal(engine, query)
        assert refused.response.status_code == 400, query
        assert f'"code":"{code}"'.encode() in (refused.response.body or b""), query
    assert not engine.opened
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_session_is_opened_with_get_only(engine: EngineUnderTest) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert problem_of(await engine.request(method, POLLING)) == (400, "method-refused"), method


async def test_other_methods_leave_a_session_alone(engine: EngineUnderTest) -> None:
    client = await engine.open()
    for method in ("PUT", "DELETE", "PATCH"):
        response = await engine.request(method, POLLING | {"sid": client.sid})
        assert problem_of(response) == (400, "method-refused"), method
    await client.say("4still here")
    assert await client.poll() == "4still here"


async def test_the_sid_begins_with_the_key_of_the_gateway(engine: EngineUnderTest) -> None:
    one = await engine.open(headers={"X-Sio-Key": KEY})
    two = await engine.open(headers={"X-Sio-Key": KEY})
    assert one.sid.startswith(KEY)
    assert two.sid.startswith(KEY)
    assert one.sid != two.sid
    async with engine.connect(additional_headers={"X-Sio-Key": KEY}) as socket:
        assert handshake_of(str(await EngineSocket(socket).receive()))["sid"].startswith(KEY)


async def test_a_key_in_another_form_is_not_taken(engine: EngineUnderTest) -> None:
    for key in ("", KEY[:-1], KEY + "0", KEY.upper(), KEY[:-1] + "g"):
        client = await engine.open(headers={"X-Sio-Key": key})
        assert len(client.sid) == 64
        assert not client.sid.lower().startswith(KEY[:-1])


async def test_every_sid_is_new(engine: EngineUnderTest) -> None:
    assert len({(await engine.open()).sid[half : half + 32] for _ in range(8) for half in (0, 32)}) == 16


async def test_what_refuses_a_session_is_the_answer(engine: EngineUnderTest) -> None:
    def refuse() -> None:
        raise NotAuthenticated

    engine.refuse = refuse
    assert problem_of(await engine.request("GET", POLLING)) == (401, "not-authenticated")
    assert (await refusal(engine, WEBSOCKET)).response.status_code == 401
    assert not engine.opened
    assert not engine.endings


async def test_a_server_that_is_not_ready_opens_no_session_and_knows_only_its_own(engine: EngineUnderTest) -> None:
    client = await engine.open()
    engine.is_ready = False
    for query in (POLLING, POLLING | {"sid": "unknown"}):
        response = await engine.request("GET", query)
        assert problem_of(response) == (503, "unavailable")
        assert int(response.headers["retry-after"]) > 0
    for query in (WEBSOCKET, WEBSOCKET | {"sid": "unknown"}):
        assert (await refusal(engine, query)).response.status_code == 503
    await client.say("4mine")
    assert await client.poll() == "4mine"


async def test_sessions_that_nobody_has_admitted_are_bounded(start_engine: StartEngine) -> None:
    async with start_engine(max_unadmitted=2) as engine:
        admitted = await engine.open()
        engine.admits = False
        oldest, second = await engine.open(), await engine.open_socket()
        await engine.open()
        assert problem_of(await oldest.get()) == (400, "unknown-session")
        assert await engine.opened[1].ended() is False
        await engine.open_socket()
        assert await second.closed() == 1000
        assert await engine.opened[2].ended() is False
        assert engine.endings == ["displaced", "displaced"]
        await admitted.say("4here")
        assert await admitted.poll() == "4here"


async def test_a_client_that_opens_sessions_for_nothing_displaces_its_own(start_engine: StartEngine) -> None:
    async with start_engine(behind_a_gateway, max_unadmitted_per_address=2) as engine:
        engine.admits = False
        one, other = ({"X-Forwarded-For": f"198.51.100.{number}"} for number in (1, 2))
        stays = await engine.open(headers=one)
        polling = await engine.open(headers=other)
        waiting = asyncio.create_task(polling.poll())
        await engine.opened[1].polled()
        for _ in range(2):
            await engine.connect(additional_headers=other)
        assert await waiting == "1"
        assert await engine.opened[1].ended() is False
        await stays.say("4here")
        assert await stays.poll() == "4here"


async def test_a_session_that_is_displaced_while_it_opens_is_refused(start_engine: StartEngine) -> None:
    async with start_engine() as engine:

        def displace() -> None:
            [opening] = engine.server._registry.all()
            opening.end(Ending.DISPLACED)

        engine.refuse = displace
        assert problem_of(await engine.request("GET", POLLING)) == (503, "unavailable")
        assert (await refusal(engine, WEBSOCKET)).response.status_code == 503
        assert engine.endings == ["displaced", "displaced"]


async def test_a_session_that_nobody_admits_is_closed(start_engine: StartEngine) -> None:
    async with start_engine(admission_timeout=timedelta(milliseconds=50)) as engine:
        engine.admits = False
        client = await engine.open()
        assert await client.poll() == "1"
        assert (await client.get()).status_code == 400
        socket = await engine.open_socket()
        assert await socket.closed() == 1000
        assert [await opened.ended() for opened in engine.opened] == [False, False]
        assert engine.endings == ["unadmitted", "unadmitted"]


async def test_a_session_that_is_admitted_in_time_stays(start_engine: StartEngine) -> None:
    async with start_engine(admission_timeout=timedelta(milliseconds=50)) as engine:
        engine.admits = False
        admitted = await engine.open()
        engine.opened[0].session.admit()
        forgotten = await engine.open()
        assert await forgotten.poll() == "1"
        await admitted.say("4here")
        assert await admitted.poll() == "4here"
