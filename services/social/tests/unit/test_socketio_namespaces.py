"""The namespaces of one session: who is let in, and what is said in them."""

import asyncio
from typing import Any

import pytest
from callboard_servicekit.errors import Forbidden, ServiceError, TooManyRequests, Unavailable
from callboard_social.dialects.socketio.application import Acknowledge, ConnectRefused
from callboard_social.dialects.socketio.socket import MAX_UNANSWERED, event_frame
from callboard_social.wire.protocol import Frame
from callboard_testkit.waiting import eventually

from .socketio_stand_in import Client, Counts, connect_client, open_client


@pytest.fixture
async def client() -> Client:
    return await open_client()


@pytest.fixture
async def connected() -> Client:
    return await connect_client()


async def test_the_answer_to_connect_comes_before_the_greeting(client: Client) -> None:
    await client.say('0{"token":"x"}')
    assert client.heard() == [f'40{{"sid":"{client.main.socket.id}"}}', '42["welcome"]']
    assert client.main.calls == [("admit", {"token": "x"}), "greet"]
    assert client.engine.is_admitted


async def test_the_public_id_is_new_for_every_socket_and_safe_in_an_address(client: Client) -> None:
    await client.say("0", "0/b")
    one, other = client.main.socket.id, client.other.socket.id
    assert one != other
    assert len(one) >= 20
    assert one.replace("-", "").replace("_", "").isalnum()
    assert one.isascii()


async def test_nothing_reaches_a_client_before_the_answer_to_its_connect(client: Client) -> None:
    client.main.gate.clear()
    connecting = asyncio.create_task(client.say("0"))
    await eventually(lambda: bool(client.main.calls))
    client.main.socket.emit("early")
    client.main.socket.enqueue(event_frame("/", "early"))
    assert client.heard() == []
    client.main.gate.set()
    await connecting
    assert client.heard()[1:] == ['42["welcome"]']


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (ConnectRefused("No"), '{"message":"No"}'),
        (ConnectRefused("No", {"status": 401}), '{"message":"No","data":{"status":401}}'),
        (Forbidden("Not you."), '{"message":"Not you.","data":{"status":403,"code":"forbidden"}}'),
    ],
)
async def test_a_refusal_is_a_connect_error_and_the_session_stays(
    client: Client, refusal: Exception, error: str
) -> None:
    client.other.refusal = refusal
    await client.say("0/b")
    assert not client.engine.is_admitted
    await client.say("0")
    assert client.heard()[0] == f"44/b,{error}"
    assert client.other.endings == [True]
    assert "greet" not in client.other.calls
    assert not client.engine.is_closed
    assert client.main.socket.is_open


@pytest.mark.parametrize("refusal", [Unavailable(), TooManyRequests(3), ServiceError(), RuntimeError("a bug")])
async def test_what_may_pass_closes_the_transport_and_says_nothing(client: Client, refusal: Exception) -> None:
    client.main.refusal = refusal
    await client.say("0")
    assert client.heard() == []
    assert client.engine.is_closed
    assert not client.engine.is_admitted
    await client.hang_up(is_clean=True)
    assert client.main.endings == [False]


async def test_who_is_refused_while_it_is_greeted_gets_a_disconnect(client: Client) -> None:
    client.main.refusal_in_greeting = ConnectRefused("No")
    await client.say("0")
    assert client.heard()[1:] == ["41"]
    assert client.main.endings == [True]


async def test_who_cannot_be_greeted_now_comes_back(client: Client) -> None:
    client.main.refusal_in_greeting = Unavailable()
    await client.say("0")
    assert client.engine.is_closed
    await client.hang_up()
    assert client.main.endings == [False]


async def test_who_is_refused_by_an_event_is_connected_and_not_admitted(client: Client) -> None:
    client.main.is_stranger = True
    await client.say("0")
    assert [str(message)[:2] for message in client.heard()] == ["40", "42", "41"]
    assert not client.engine.is_admitted
    client.main.is_stranger = False
    await client.say("0")
    assert client.engine.is_admitted


async def test_a_socket_that_is_closed_admits_nobody(client: Client) -> None:
    client.main.is_stranger = True
    await client.say("0")
    client.main.socket.admit()
    assert not client.engine.is_admitted


async def test_a_refused_client_may_try_again(client: Client) -> None:
    client.main.refusal = ConnectRefused("No")
    await client.say("0")
    client.main.refusal = None
    await client.say("0")
    assert [str(message)[:2] for message in client.heard()] == ["44", "40", "42"]


async def test_an_unknown_namespace_is_a_connect_error_and_a_query_is_part_of_the_name(client: Client) -> None:
    await client.say("0/c", "0/b?token=x,")
    assert client.heard() == ['44/c,{"message":"Invalid namespace"}', '44/b?token=x,{"message":"Invalid namespace"}']
    assert not client.engine.is_closed
    assert not client.engine.is_admitted


@pytest.mark.parametrize(
    "message",
    ["0", '2/c,["a"]', "3/c,1[]", "1/c", '4{"message":"x"}', "2[]", "abc", "", b"x", '51-["a"]'],
)
async def test_what_breaks_the_protocol_closes_the_session(connected: Client, message: str | bytes) -> None:
    await connected.say(message)
    assert connected.engine.is_closed
    await connected.say('2["a"]')
    assert connected.main.calls == []
    await connected.hang_up(is_clean=True)
    assert connected.main.endings == connected.other.endings == [False]


@pytest.mark.parametrize("message", ['2["a"]', "31[]", "1", '51-["a",{"_placeholder":true,"num":0}]'])
async def test_a_session_that_does_not_begin_with_connect_is_closed(client: Client, message: str) -> None:
    await client.say(message)
    assert client.engine.is_closed
    assert client.main.calls == []


async def test_an_event_reaches_the_application_of_its_namespace(connected: Client) -> None:
    await connected.say('2["a",1,{"b":[true]}]', '2/b,["c"]', "2[7]")
    assert connected.main.calls == [("a", [1, {"b": [True]}]), ("7", [])]
    assert connected.other.calls == [("c", [])]


async def test_bytes_of_an_event_are_in_their_places(connected: Client) -> None:
    await connected.say('52-["a",{"x":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]', b"0", b"1")
    assert connected.main.calls == [("a", [{"x": b"1"}, b"0"])]


async def test_an_event_is_acknowledged_once_and_with_its_own_id(connected: Client) -> None:
    def answer(_event: str, arguments: list[Any], acknowledge: Acknowledge | None) -> None:
        assert acknowledge is not None
        acknowledge(*arguments)
        acknowledge("again")

    connected.other.on_event = answer
    await connected.say('2/b,12["a",1]', '2/b,0["a"]', '51-/b,13["a",{"_placeholder":true,"num":0}]', b"x")
    assert connected.heard() == [
        "43/b,12[1]",
        "43/b,0[]",
        '461-/b,13[{"_placeholder":true,"num":0}]',
        b"x",
    ]


async def test_an_event_without_an_id_has_nothing_to_acknowledge(connected: Client) -> None:
    seen: list[Acknowledge | None] = []
    connected.main.on_event = lambda _event, _arguments, acknowledge: seen.append(acknowledge)
    await connected.say('2["a"]')
    assert seen == [None]


async def test_a_client_acknowledges_an_event_once(connected: Client) -> None:
    answers: list[list[Any]] = []
    connected.main.socket.emit("a", b"x", acknowledged=answers.append)
    connected.main.socket.emit("b", acknowledged=answers.append)
    assert connected.heard() == ['451-0["a",{"_placeholder":true,"num":0}]', b"x", '421["b"]']
    await connected.say("31[2]", '61-0[{"_placeholder":true,"num":0}]', b"y", "31[3]", "399[]", "3/b,0[]")
    assert answers == [[2], [b"y"]]
    assert not connected.engine.is_closed


async def test_only_so_many_acknowledgements_are_awaited_and_the_oldest_is_given_up(connected: Client) -> None:
    answers: list[list[Any]] = []
    for _ in range(MAX_UNANSWERED + 1):
        connected.main.socket.emit("a", acknowledged=answers.append)
    await connected.say("30[0]", "31[1]", f"3{MAX_UNANSWERED}[64]")
    assert answers == [[1], [64]]


async def test_acknowledgements_are_forgotten_with_the_socket(connected: Client) -> None:
    answers: list[list[Any]] = []
    connected.main.socket.emit("a", acknowledged=answers.append)
    await connected.say("1", "0", "30[]")
    assert answers == []
    assert not connected.engine.is_closed


async def test_a_fault_of_the_application_is_logged_without_what_the_client_sent(
    connected: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_event: str, arguments: list[Any], _acknowledge: Acknowledge | None) -> None:
        raise KeyError(arguments[0])

    connected.main.on_event = fail
    await connected.say('2["my-event","my-secret"]', '2/b,["c"]', '2["my-event","my-secret"]')
    logged = capsys.readouterr().out
    assert logged.count("socket_event_failed") == 2
    assert "KeyError" in logged
    assert "my-secret" not in logged
    assert len(connected.main.calls) == 2
    assert connected.other.calls == [("c", [])]


@pytest.mark.parametrize("error", [Unavailable(), ConnectRefused("too late")])
async def test_whatever_the_application_raises_for_an_event_the_socket_stays(
    connected: Client, error: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise error

    connected.main.on_event = fail
    await connected.say('2["a"]')
    assert connected.main.socket.is_open
    assert not connected.engine.is_closed


async def test_a_fault_in_taking_an_acknowledgement_leaves_the_socket(connected: Client) -> None:
    def fail(_arguments: list[Any]) -> None:
        raise KeyError

    connected.main.socket.emit("a", acknowledged=fail)
    await connected.say("30[]", '2["b"]')
    assert connected.main.calls == [("b", [])]


async def test_packets_are_counted_under_names_known_beforehand() -> None:
    counts = Counts()
    client = await open_client(traffic=counts, events=["a"])
    client.main.on_event = lambda _event, _arguments, acknowledge: acknowledge() if acknowledge else None
    await client.say(
        "0", "0/c", '21["a","é"]', '51-["made-up",{"_placeholder":true,"num":0}]', b"xyz", "39[]", "1", "?"
    )
    assert counts.came == [
        ("connect", 1),
        ("connect", 3),
        ("a", 12),
        ("unknown", 47),
        ("acknowledgement", 4),
        ("disconnect", 1),
        ("unknown", 1),
    ]
    assert counts.went == ["connect", "welcome", "connect_error", "acknowledgement"]


def test_one_broadcast_is_one_frame_with_its_attachments() -> None:
    frame = event_frame("/b", "a", {"x": b"1"}, kind="b")
    assert frame == Frame("b", '451-/b,["a",{"x":{"_placeholder":true,"num":0}}]', (b"1",))
    assert event_frame("/", "a").kind == "a"
