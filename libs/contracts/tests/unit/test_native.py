"""Frames of the native dialect."""

import json
from typing import Any

import pytest
from callboard_contracts.identity import Role
from callboard_contracts.native import (
    MAX_CHAT_LENGTH,
    MAX_REQUEST_ID,
    MAX_TAIL,
    ChannelState,
    Chat,
    Connected,
    Error,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
    dump_frame,
)
from callboard_contracts.wire import RequestModel
from pydantic import BaseModel, ValidationError


@pytest.mark.parametrize("request_id", ["r1", 0, 7])
def test_a_reply_names_the_request_it_answers(request_id: str | int) -> None:
    assert json.loads(dump_frame(Pong(reply_to=request_id))) == {"type": "pong", "replyTo": request_id}


def test_a_reply_to_a_request_without_id_names_none() -> None:
    assert json.loads(dump_frame(Pong())) == {"type": "pong"}
    assert json.loads(dump_frame(Error(code="forbidden", message="no"))) == {
        "type": "error",
        "code": "forbidden",
        "message": "no",
        "temporary": False,
    }


def test_what_was_not_asked_for_is_null_and_not_absent() -> None:
    assert json.loads(dump_frame(Subscribed(channel="org", position="e:1"))) == {
        "type": "subscribed",
        "channel": "org",
        "position": "e:1",
        "recovered": None,
    }


def test_the_first_frame_says_who_and_where() -> None:
    frame = Connected(
        user_id="u1",
        login="ada",
        organization_id="o1",
        role=Role.VIEWER,
        connection_id="c1",
        expires_at=None,
        channels=(ChannelState(channel="org", position="e:1", recovered=False),),
    )
    assert json.loads(dump_frame(frame)) == {
        "type": "connected",
        "userId": "u1",
        "login": "ada",
        "organizationId": "o1",
        "role": "viewer",
        "connectionId": "c1",
        "message": "Welcome to Social WebSocket!",
        "expiresAt": None,
        "channels": [{"channel": "org", "position": "e:1", "recovered": False}],
    }


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subscribe, {"type": "subscribe", "channel": "org", "position": "e:1"}),
        (Subscribe, {"type": "subscribe", "channel": "org", "tail": MAX_TAIL, "id": 2**53 - 1}),
        (Unsubscribe, {"type": "unsubscribe", "channel": "org"}),
        (Ping, {"type": "ping", "id": "x" * MAX_REQUEST_ID}),
        (Chat, {"type": "message", "content": "x" * MAX_CHAT_LENGTH, "mood": "good"}),
    ],
)
def test_a_request_of_the_protocol_is_understood(model: type[BaseModel], message: dict[str, Any]) -> None:
    assert model.model_validate(message).model_dump(mode="json", by_alias=True, exclude_none=True) == message


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subscribe, {"type": "subscribe"}),
        (Subscribe, {"type": "subscribe", "channel": "o" * 161}),
        (Subscribe, {"type": "subscribe", "channel": "org", "tail": MAX_TAIL + 1}),
        (Subscribe, {"type": "subscribe", "channel": "org", "tail": -1}),
        (Subscribe, {"type": "subscribe", "channel": "org", "tail": "5"}),
        (Subscribe, {"type": "subscribe", "channel": "org", "tail": float("nan")}),
        (Subscribe, {"type": "subscribe", "channel": "org", "position": "e" * 65}),
        (Subscribe, {"type": "subscribe", "channel": "org", "organization": "o2"}),
        (Unsubscribe, {"type": "unsubscribe", "channel": None}),
        (Ping, {"type": "ping", "id": "x" * (MAX_REQUEST_ID + 1)}),
        (Ping, {"type": "ping", "id": -1}),
        (Ping, {"type": "ping", "id": 2**53}),
        (Ping, {"type": "ping", "id": 1.5}),
        (Ping, {"type": "ping", "id": ["a"]}),
        (Ping, {"type": "pong"}),
        (Chat, {"type": "chat"}),
        (Chat, {"type": "chat", "content": 5}),
        (Chat, {"type": "chat", "content": "x" * (MAX_CHAT_LENGTH + 1)}),
        (Chat, {"type": "chat", "content": "x", "room": "r" * 129}),
    ],
)
def test_another_request_is_refused(model: type[BaseModel], message: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(message)


def test_a_slip_in_a_name_is_an_error_not_a_silence() -> None:
    assert issubclass(Subscribe, RequestModel)
    with pytest.raises(ValidationError, match="chanel"):
        Subscribe.model_validate({"type": "subscribe", "channel": "org", "chanel": "logs"})
