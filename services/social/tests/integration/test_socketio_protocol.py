"""The rules of the Socket.IO document, over raw transports, each of them on both."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import pytest
from callboard_social.wire.engineio import EngineOptions
from callboard_testkit.waiting import eventually

from .socketio_raw import PATIENCE_SECONDS, RAW_CLIENTS, Closed, RawClient, RawPolling, closed, connect_to
from .socketio_service import PATIENT, SocketIoService, socketio_service

PLACES = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


@pytest.fixture
async def service() -> AsyncIterator[SocketIoService]:
    async with socketio_service() as service:
        yield service


@pytest.fixture(params=list(RAW_CLIENTS))
async def client(request: pytest.FixtureRequest, service: SocketIoService) -> AsyncIterator[RawClient]:
    async with RAW_CLIENTS[request.param](service.url) as client:
        yield client


@pytest.mark.parametrize("auth", [None, {"token": "123"}])
@pytest.mark.parametrize("namespace", ["/", "/custom"])
async def test_a_client_connects_to_a_namespace(client: RawClient, namespace: str, auth: dict[str, str] | None) -> None:
    sid = await connect_to(client, namespace, auth)
    assert len(sid) >= 20


async def test_a_refusal_is_a_connect_error_with_its_data_and_another_namespace_may_follow(client: RawClient) -> None:
    await client.send("40/refusing,")
    assert await client.receive() == '44/refusing,{"message":"Unauthorized","data":{"status":401}}'
    await connect_to(client)


async def test_an_unknown_namespace_is_a_connect_error(client: RawClient) -> None:
    await client.send("40/random")
    assert await client.receive() == '44/random,{"message":"Invalid namespace"}'


async def test_who_cannot_be_admitted_now_loses_the_transport(client: RawClient, service: SocketIoService) -> None:
    await client.send("40/busy")
    assert await closed(client) == []
    assert service.ends == [("/busy", False)]


@pytest.mark.parametrize("transport", list(RAW_CLIENTS))
async def test_a_session_that_connects_to_nothing_in_time_is_closed(transport: str) -> None:
    options = EngineOptions(PATIENT.ping_interval, PATIENT.ping_timeout, admission_timeout=timedelta(milliseconds=50))
    async with socketio_service(options) as service, RAW_CLIENTS[transport](service.url) as client:
        await client.send("40/random")
        assert await closed(client) == ['44/random,{"message":"Invalid namespace"}']


@pytest.mark.parametrize("transport", list(RAW_CLIENTS))
async def test_a_session_that_nobody_lets_in_is_closed_in_time_however_often_it_tries(transport: str) -> None:
    options = EngineOptions(PATIENT.ping_interval, PATIENT.ping_timeout, admission_timeout=timedelta(milliseconds=200))
    async with socketio_service(options) as service, RAW_CLIENTS[transport](service.url) as client:
        started = time.monotonic()
        answers = set()
        with suppress(Closed):
            while time.monotonic() - started < PATIENCE_SECONDS:
                await client.send("40/disconnecting,", "40/refusing,", "40/random,")
                answers |= {str(await client.receive())[:5] for _ in range(5)}
        assert answers == {"40/di", "42/di", "41/di", "44/re", "44/ra"}
        assert time.monotonic() - started < PATIENCE_SECONDS


async def test_who_connected_in_time_stays() -> None:
    options = EngineOptions(PATIENT.ping_interval, PATIENT.ping_timeout, admission_timeout=timedelta(milliseconds=50))
    async with socketio_service(options) as service, RAW_CLIENTS["websocket"](service.url) as client:
        await connect_to(client)
        async with RAW_CLIENTS["websocket"](service.url) as other:
            await closed(other)
        await client.send('42["message"]')
        assert await client.receive() == '42["message-back"]'


async def test_events_are_delivered_in_order(client: RawClient) -> None:
    await connect_to(client)
    await client.send('42["message",1,"2",{"3":[true]}]', '42["unheard-of"]', '42["message","é\\u001e"]')
    assert await client.receive() == '42["message-back",1,"2",{"3":[true]}]'
    assert await client.receive() == '42["message-back","é\\u001e"]'


async def test_a_binary_event_comes_back_with_its_attachments(client: RawClient) -> None:
    await connect_to(client, "/custom")
    await client.send(f'452-/custom,["message",{PLACES}]', b"\1\2\3", b"\4\5\6")
    assert await client.receive() == f'452-/custom,["message-back",{PLACES}]'
    assert [await client.receive(), await client.receive()] == [b"\1\2\3", b"\4\5\6"]


async def test_an_event_of_the_client_is_acknowledged(client: RawClient) -> None:
    await connect_to(client)
    await client.send('42456["message-with-ack",1,"2",{"3":[false]}]', '420["message-with-ack"]')
    assert await client.receive() == '43456[1,"2",{"3":[false]}]'
    assert await client.receive() == "430[]"


async def test_a_binary_event_of_the_client_is_acknowledged_with_bytes(client: RawClient) -> None:
    await connect_to(client)
    await client.send(f'452-789["message-with-ack",{PLACES}]', b"\1\2\3", b"\4\5\6")
    assert await client.receive() == f"462-789[{PLACES}]"
    assert [await client.receive(), await client.receive()] == [b"\1\2\3", b"\4\5\6"]


async def test_the_client_acknowledges_an_event_of_the_server(client: RawClient) -> None:
    await connect_to(client, "/custom")
    await client.send('42/custom,["ask",1]')
    assert await client.receive() == '42/custom,0["question",1]'
    await client.send('43/custom,0["yes"]')
    assert await client.receive() == '42/custom,["answered","yes"]'


async def test_the_client_acknowledges_a_binary_event_with_bytes(client: RawClient) -> None:
    await connect_to(client)
    await client.send('451-["ask",{"_placeholder":true,"num":0}]', b"\1")
    assert await client.receive() == '451-0["question",{"_placeholder":true,"num":0}]'
    assert await client.receive() == b"\1"
    await client.send('461-0[{"_placeholder":true,"num":0}]', b"\2")
    assert await client.receive() == '451-["answered",{"_placeholder":true,"num":0}]'
    assert await client.receive() == b"\2"


async def test_several_namespaces_share_a_session_and_one_ends_without_the_other(
    client: RawClient, service: SocketIoService
) -> None:
    assert await connect_to(client) != await connect_to(client, "/custom")
    await client.send("41/custom", '42["message","still here"]')
    assert await client.receive() == '42["message-back","still here"]'
    assert service.ends == [("/custom", True)]
    await connect_to(client, "/custom")


async def test_a_client_that_leaves_its_only_namespace_keeps_its_session(client: RawClient) -> None:
    await connect_to(client)
    await client.send("41")
    await connect_to(client)


@pytest.mark.parametrize(
    "messages",
    [
        ["4abc"],
        ["4"],
        ["42{}"],
        ["42[]"],
        ['42abc["message"]'],
        ['42["disconnect"]'],
        ["40"],
        ["40[]"],
        ['42/custom,["message"]'],
        ["43/custom,1[]"],
        ["41/custom"],
        ['44{"message":"no"}'],
        ['451-["message"]'],
        ['4511-["message"]'],
        ['451-["message",{"_placeholder":true,"num":0}]', '42["message"]'],
        [b"\1"],
    ],
)
async def test_what_breaks_the_protocol_closes_the_session(
    client: RawClient, service: SocketIoService, messages: list[str | bytes]
) -> None:
    await connect_to(client)
    await client.send(*messages)
    assert await closed(client) == []
    await eventually(lambda: service.ends == [("/", False)])


@pytest.mark.parametrize("first", ['42["message"]', "430[]", "41", '44{"message":"no"}'])
async def test_a_session_has_to_begin_with_connect(client: RawClient, service: SocketIoService, first: str) -> None:
    await client.send(first)
    assert await closed(client) == []
    assert service.ends == []


async def test_a_fault_of_the_application_leaves_the_socket(client: RawClient) -> None:
    await connect_to(client)
    await client.send('42["fail"]', '42["message"]')
    assert await client.receive() == '42["message-back"]'


async def test_a_disconnect_by_the_server_comes_after_what_waits_and_leaves_other_namespaces(
    client: RawClient, service: SocketIoService
) -> None:
    await connect_to(client)
    await connect_to(client, "/custom")
    await client.send('42/custom,["disconnect-me"]', '42["message"]')
    assert [await client.receive() for _ in range(3)] == ['42/custom,["waiting"]', "41/custom,", '42["message-back"]']
    assert service.ends == [("/custom", True)]


async def test_a_close_for_good_is_a_disconnect_of_its_namespace(client: RawClient, service: SocketIoService) -> None:
    await connect_to(client)
    await connect_to(client, "/custom")
    await client.send('42/custom,["close","4501"]', '42["message"]')
    assert [await client.receive() for _ in range(3)] == ['42/custom,["waiting"]', "41/custom,", '42["message-back"]']
    assert service.ends == [("/custom", True)]


@pytest.mark.parametrize("code", ["1001", "1008", "4001", "4003", "4429"])
async def test_a_close_for_a_while_is_the_transports(client: RawClient, service: SocketIoService, code: str) -> None:
    await connect_to(client)
    await connect_to(client, "/custom")
    await client.send(f'42/custom,["close","{code}"]')
    assert await closed(client) == ['42/custom,["waiting"]']
    await eventually(lambda: sorted(service.ends) == [("/", False), ("/custom", False)])


def taken(client: RawClient, frame: str) -> list[str]:
    """What does not wait until a client asks for it: nothing waits for a WebSocket that reads."""
    return [] if isinstance(client, RawPolling) else [frame]


async def test_a_drop_for_good_says_farewell_and_closes_the_transport(
    client: RawClient, service: SocketIoService
) -> None:
    await connect_to(client)
    await connect_to(client, "/custom")
    await client.send('42/custom,["drop","4501"]')
    assert await closed(client) == [*taken(client, '42/custom,["waiting"]'), "41/custom,"]
    await eventually(lambda: sorted(service.ends) == [("/", False), ("/custom", True)])


async def test_a_drop_for_a_while_closes_the_transport_and_says_nothing(client: RawClient) -> None:
    await connect_to(client)
    await client.send('42["drop","1008"]')
    assert await closed(client) == taken(client, '42["waiting"]')


async def test_a_close_packet_of_the_client_is_the_clean_end_of_all_its_sockets(
    client: RawClient, service: SocketIoService
) -> None:
    await connect_to(client)
    await connect_to(client, "/custom")
    await client.send("1")
    await eventually(lambda: sorted(service.ends) == [("/", True), ("/custom", True)])


async def test_the_public_id_says_nothing_about_the_sessions(client: RawClient) -> None:
    sid = await connect_to(client)
    assert sid not in client.session_id
    assert client.session_id not in sid


@pytest.mark.parametrize("transport", list(RAW_CLIENTS))
async def test_a_server_that_stops_closes_transports_and_no_socket_has_left_for_good(transport: str) -> None:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(socketio_service())
        async with RAW_CLIENTS[transport](service.url) as client:
            await connect_to(client)
            stopping = asyncio.create_task(stack.aclose())
            assert await closed(client) == []
            await stopping
        assert service.ends == [("/", False)]
