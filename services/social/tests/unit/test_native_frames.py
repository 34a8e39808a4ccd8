"""Frames that are written by hand say what the contract's models say."""

import json

import pytest
from callboard_contracts.channels import GENERAL, ORG
from callboard_contracts.events import BusEvent, Event, Origin
from callboard_contracts.identity import Role
from callboard_contracts.native import ChannelState, Connected, dump_frame
from callboard_contracts.positions import Position
from callboard_social.dialects.native import NativeDialect, connected_frame

from .presence_witness import make_identity

AT = "2026-01-01T00:00:00.000Z"


def test_connected_is_what_its_model_says() -> None:
    identity = make_identity("u1", login='a "quoted" é')
    places = [(ORG, Position("e", 7), None), (GENERAL, Position("e", 0), True)]
    model = Connected(
        user_id="u1",
        login='a "quoted" é',
        organization_id="org-1",
        role=Role.MEMBER,
        connection_id="c1",
        expires_at=None,
        channels=tuple(ChannelState(channel=str(name), position=str(at), recovered=was) for name, at, was in places),
    )
    assert connected_frame(identity, "c1", None, places).text == dump_frame(model)


@pytest.mark.parametrize("request_id", [None, "r1", 7])
def test_events_and_echoes_are_what_their_model_says(request_id: str | int | None) -> None:
    heard = BusEvent(
        position="e:1", type="chat", at=AT, data={"content": "é"}, origin=Origin(connection="c", request=request_id)
    )
    event = Event(type="chat", channel="org", position="e:1", at=AT, data={"content": "é"}).model_dump(by_alias=True)
    without = {name: value for name, value in event.items() if name != "replyTo"}
    asked = {} if request_id is None else {"replyTo": request_id}
    assert json.loads(NativeDialect().event(ORG, heard).text) == without
    assert json.loads(NativeDialect().echo(ORG, heard).text) == without | {"type": "echo"} | asked
