import json
from contextlib import suppress

import pytest
from callboard_contracts.native import Bus, Connected, Error, Reset, Subscribed
from callboard_worker.sdk.conversation import Conversation, TryAgain
from callboard_worker.sdk.errors import SubscriptionRefused
from callboard_worker.sdk.frames import Frame, MalformedFrame, parse_frame
from callboard_worker.sdk.seen import SeenPositions
from hypothesis import given
from hypothesis import strategies as st

CONNECTED = {
    "type": "connected",
    "userId": "u",
    "login": "ci",
    "organizationId": "o",
    "role": "member",
    "connectionId": "c",
    "expiresAt": None,
    "channels": [{"channel": "org", "position": "e:4"}],
}


def frame(**members: object) -> Frame:
    parsed = parse_frame(json.dumps(members))
    assert parsed is not None
    return parsed


def connected_conversation(*channels: str) -> Conversation:
    conversation = Conversation(SeenPositions(), channels)
    first = frame(**CONNECTED)
    assert isinstance(first, Connected)
    conversation.requests(first)
    conversation.take(first)
    return conversation


def error(reply_to: object, *, temporary: bool) -> Error:
    made = frame(type="error", code="c", message="m", temporary=temporary, replyTo=reply_to)
    assert isinstance(made, Error)
    return made


def test_only_channels_that_the_first_frame_did_not_bring_are_asked_for() -> None:
    conversation = Conversation(SeenPositions(), ["org", "logs"])
    assert [request.channel for request in conversation.requests(frame(**CONNECTED))] == ["logs"]
    assert not conversation.is_complete


def test_it_is_complete_when_all_that_was_asked_for_is_answered() -> None:
    conversation = connected_conversation("logs")
    assert not conversation.is_complete
    conversation.take(Subscribed(reply_to=0, channel="logs", position="e:0"))
    assert conversation.is_complete


def test_a_temporary_refusal_asks_for_another_connection() -> None:
    with pytest.raises(TryAgain):
        connected_conversation("logs").refuse(error(0, temporary=True))


def test_a_refusal_for_good_names_the_channel() -> None:
    with pytest.raises(SubscriptionRefused) as refused:
        connected_conversation("logs").refuse(error(0, temporary=False))
    assert refused.value.channel == "logs"


@pytest.mark.parametrize("reply_to", [None, "0", 7])
def test_an_error_that_answers_nothing_of_ours_is_passed_over(reply_to: object) -> None:
    conversation = connected_conversation("logs")
    conversation.refuse(error(reply_to, temporary=False))
    assert not conversation.is_complete


def test_after_a_reset_the_channel_goes_on_from_its_position() -> None:
    conversation = connected_conversation()
    event = {"type": "x", "channel": "org", "at": "", "data": {}}
    assert not conversation.take(frame(**event, position="e:4"))  # type: ignore[arg-type]
    assert conversation.take(Reset(channel="org", position="e:2"))
    assert conversation.take(frame(**event, position="e:3"))  # type: ignore[arg-type]
    assert conversation.take(Bus(state="lost"))


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_what_is_no_frame_is_malformed(value: object) -> None:
    with pytest.raises(MalformedFrame):
        parse_frame(json.dumps(value))


@given(
    st.sampled_from(["connected", "subscribed", "error", "reset", "bus", "event"]),
    st.dictionaries(st.sampled_from(["channel", "position", "data", "channels", "code", "at"]), st.text() | st.none()),
)
def test_a_frame_is_read_or_unknown_or_malformed_and_nothing_else(kind: str, members: dict[str, object]) -> None:
    with suppress(MalformedFrame):
        parse_frame(json.dumps({"type": kind} | members))
