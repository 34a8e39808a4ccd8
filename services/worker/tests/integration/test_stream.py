import asyncio
import json
import logging
from collections.abc import Callable

import pytest
from callboard_contracts import close_codes
from callboard_contracts.events import Event
from callboard_contracts.native import Connected
from callboard_worker.sdk.errors import Forbidden, SocketClosedForGood, SubscriptionRefused
from callboard_worker.sdk.stream import ConnectionLost, EventStream, Resumed, StreamItem
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from .scripted_server import Script, World, address, answer, connected, event, says


async def items_until(stream: EventStream, last: Callable[[StreamItem], bool]) -> list[StreamItem]:
    items = []
    async with asyncio.timeout(10):
        async for item in stream:
            items.append(item)
            if last(item):
                break
    return items


def positions(items: list[StreamItem]) -> list[str]:
    return [item.position for item in items if isinstance(item, Event)]


def is_event(position: str) -> Callable[[StreamItem], bool]:
    return lambda item: isinstance(item, Event) and item.position == position


async def test_events_follow_the_connected_frame_and_the_ticket_rides_in_the_subprotocol() -> None:
    world = World(says(connected(), event("e:1"), event("e:2")))
    async with world.stream() as stream:
        items = await items_until(stream, is_event("e:2"))
    assert isinstance(items[0], Connected)
    assert positions(items) == ["e:1", "e:2"]
    assert world.subprotocols == ["callboard.v1, ticket.t1"]


@pytest.mark.parametrize("entry", [code for code in close_codes.ALL if code.then is not close_codes.Return.NEVER])
async def test_the_client_comes_back_with_a_new_ticket_after(entry: close_codes.CloseCode) -> None:
    world = World(says(connected(), code=entry.code, reason=entry.reason), says(connected("e:1"), event("e:2")))
    async with world.stream() as stream:
        items = await items_until(stream, is_event("e:2"))
    lost = next(item for item in items if isinstance(item, ConnectionLost))
    assert lost.reason == f"{entry.reason} ({entry.code})"
    assert world.clock.slept == [6.0 if entry.then is close_codes.Return.AFTER_DELAY else 1.0]
    assert world.tickets.minted == 2
    assert world.tickets.discarded == (entry.then is close_codes.Return.WITH_NEW_TOKEN)


@pytest.mark.parametrize("code", [4501, 4503, 4508, 4509, 4999])
async def test_the_client_stays_away_after(code: int) -> None:
    world = World(says(connected(), code=code, reason="for good"))
    async with world.stream() as stream:
        with pytest.raises(SocketClosedForGood, match="for good") as closed:
            await items_until(stream, lambda _item: False)
    assert closed.value.code == code
    assert world.tickets.minted == 1


@pytest.mark.parametrize(("asked_ms", "waited"), [(400, 0.4), (10**9, 120.0)])
async def test_it_comes_back_when_a_draining_server_told_it_to_and_this_once(asked_ms: int, waited: float) -> None:
    draining = json.dumps({"type": "draining", "retryAfterMs": asked_ms})
    world = World(
        says(connected(), draining, code=1001), says(connected(), code=1001), says(connected("e:1"), event("e:2"))
    )
    async with world.stream() as stream:
        items = await items_until(stream, is_event("e:2"))
    assert [type(item) for item in items[:2]] == [Connected, ConnectionLost]
    assert world.clock.slept == [waited + 1.0, 5.0 + 2.0]


async def test_delays_grow_while_connections_are_closed_at_once() -> None:
    world = World(*[says(connected(), code=4002)] * 6, says(connected(), event("e:1")))
    async with world.stream() as stream:
        await items_until(stream, is_event("e:1"))
    assert world.clock.slept == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


async def test_a_connection_that_has_lived_ends_the_row_of_failures() -> None:
    world = World(says(connected(), code=4002), says(connected(), event("e:1"), code=4002), says(event("e:9")))

    async def outlive(stream: EventStream) -> None:
        await items_until(stream, is_event("e:1"))
        world.clock.now += 3600

    async with world.stream() as stream:
        await outlive(stream)
        lost = (await items_until(stream, lambda item: isinstance(item, ConnectionLost)))[-1]
    assert lost == ConnectionLost("connection lost (4002)", 1.0)


async def test_after_a_return_it_is_told_which_channels_have_moved() -> None:
    world = World(
        says(connected("e:4"), event("e:5"), code=4002),
        says(connected("e:5"), event("e:6"), code=4002),
        says(connected("e:9")),
    )
    async with world.stream() as stream:
        first = await items_until(stream, lambda item: isinstance(item, Resumed))
        second = await items_until(stream, lambda item: isinstance(item, Resumed))
    assert first[-1] == Resumed(())
    assert second[-1] == Resumed(("org",))


async def test_an_event_that_comes_again_is_given_once() -> None:
    world = World(
        says(connected(), event("e:1"), event("e:2"), event("e:2"), code=1008),
        says(connected("e:1"), event("e:1"), event("e:2"), event("f:1"), event("f:2")),
    )
    async with world.stream() as stream:
        items = await items_until(stream, is_event("f:2"))
    assert positions(items) == ["e:1", "e:2", "f:1", "f:2"]


async def test_further_channels_are_subscribed_on_every_connection() -> None:
    asked: list[str] = []

    def subscribing(position: str, then: str, code: int | None) -> Script:
        async def script(connection: ServerConnection) -> None:
            await connection.send(connected())
            for _ in range(2):
                request = json.loads(await connection.recv())
                asked.append(request["channel"])
                reply = {"type": "subscribed", "channel": request["channel"], "position": position}
                await connection.send(json.dumps(reply | {"replyTo": request["id"]}))
            await says(event(then, "logs"), code=code)(connection)

        return script

    world = World(subscribing("1:0", "1:1", 4002), subscribing("1:3", "1:4", None))
    async with world.stream("logs", "execution:t") as stream:
        items = await items_until(stream, is_event("1:4"))
    assert asked == ["logs", "execution:t"] * 2
    assert Resumed(("logs", "execution:t")) in items


async def test_a_channel_that_is_refused_ends_the_stream() -> None:
    async def refusing(connection: ServerConnection) -> None:
        await connection.send(connected())
        request = json.loads(await connection.recv())
        error = {"type": "error", "code": "forbidden", "message": "not yours", "replyTo": request["id"]}
        await says(json.dumps(error))(connection)

    async with World(refusing).stream("logs") as stream:
        with pytest.raises(SubscriptionRefused, match="logs: not yours"):
            await items_until(stream, lambda _item: False)


@pytest.mark.parametrize("frame", ["{", "[]", "{}", '{"type": 1}', "[" * 100_000, event("nonsense"), "1e400", '"x"'])
async def test_a_malformed_frame_makes_the_client_connect_anew(frame: str) -> None:
    world = World(says(connected(), frame), says(connected(), event("e:1")))
    async with world.stream() as stream:
        items = await items_until(stream, is_event("e:1"))
    assert [type(item) for item in items[:3]] == [Connected, ConnectionLost, Connected]


async def test_frames_of_unknown_type_are_passed_over() -> None:
    world = World(says(connected(), '{"type": "weather", "isFair": true}', event("e:1")))
    async with world.stream() as stream:
        items = await items_until(stream, is_event("e:1"))
    assert len(items) == 2


async def test_a_refusal_before_the_upgrade_is_tried_again_when_it_is_temporary() -> None:
    world = World(says(connected(), event("e:1")))
    headers = {"Retry-After": "7"}
    world.answers = [answer(503, headers), answer(429), answer(401), answer(500)]
    async with world.stream() as stream:
        await items_until(stream, is_event("e:1"))
    assert world.clock.slept == [8.0, 2.0, 4.0, 8.0]
    assert world.tickets.discarded == 1


async def test_a_refusal_before_the_upgrade_that_is_for_good_ends_the_stream() -> None:
    world = World(says(connected()))
    world.answers = [answer(403)]
    async with world.stream() as stream:
        with pytest.raises(Forbidden):
            await items_until(stream, lambda _item: False)


async def test_a_redirect_is_not_followed_with_the_ticket() -> None:
    elsewhere = World(says(connected()))
    async with serve(elsewhere.serve, "127.0.0.1", 0, subprotocols=[Subprotocol("callboard.v1")]) as server:
        world = World(says(connected()))
        world.answers = [answer(302, {"Location": address(server).replace("http", "ws")})]
        async with world.stream() as stream:
            with pytest.raises(Exception, match="302"):
                await items_until(stream, lambda _item: False)
    assert elsewhere.subprotocols == []


async def test_the_ticket_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("callboard_worker.socket").setLevel(logging.DEBUG)
    world = World(says(connected(), event("e:1")))
    async with world.stream() as stream:
        await items_until(stream, is_event("e:1"))
    records = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not [message for message in records if "ticket." in message]
