"""What may be asked of a room, to the bounds and past them."""

from typing import Any

import pytest
from callboard_contracts.identity import Role
from callboard_contracts.native import MAX_CHAT_LENGTH, MAX_CLIENT_ID
from callboard_contracts.rooms import (
    MAX_NAME_LENGTH,
    RESERVED_MESSAGE_FIELDS,
    Message,
    MessageCreate,
    RoomCreate,
    RoomMemberSet,
    RoomRole,
    RoomVisibility,
    passed_fields,
)
from pydantic import BaseModel, ValidationError


def test_each_role_includes_itself_and_those_below() -> None:
    included = [[role.includes(other) for other in RoomRole] for role in RoomRole]
    assert included == [[True] * 4, [False] + [True] * 3, [False] * 2 + [True] * 2, [False] * 3 + [True]]


def test_every_role_in_the_organisation_is_a_role_in_general() -> None:
    assert [RoomRole(role.value) for role in Role] == list(RoomRole)


def test_a_room_is_private_unless_it_says_so() -> None:
    assert RoomCreate.model_validate({"name": "Den"}).visibility is RoomVisibility.PRIVATE


def test_a_name_has_no_space_around_it() -> None:
    assert RoomCreate.model_validate({"name": "  The den\n"}).name == "The den"


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (RoomCreate, {"name": "x" * MAX_NAME_LENGTH, "id": "a" * 128}),
        (RoomMemberSet, {"userId": "x" * 128, "role": "viewer"}),
        (MessageCreate, {"content": "x" * MAX_CHAT_LENGTH, "clientId": "x" * MAX_CLIENT_ID}),
        (MessageCreate, {"content": ""}),
    ],
)
def test_what_is_within_the_bounds_is_taken(model: type[BaseModel], body: dict[str, Any]) -> None:
    model.model_validate(body)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (RoomCreate, {}),
        (RoomCreate, {"name": "x" * (MAX_NAME_LENGTH + 1)}),
        (RoomCreate, {"name": " "}),
        (RoomCreate, {"name": "Den", "id": "a" * 129}),
        (RoomCreate, {"name": "Den", "id": "a:b"}),
        (RoomCreate, {"name": "Den", "visibility": "public"}),
        (RoomCreate, {"name": "Den", "organizationId": "org-2"}),
        (RoomMemberSet, {"userId": "", "role": "member"}),
        (RoomMemberSet, {"userId": "x" * 129, "role": "member"}),
        (RoomMemberSet, {"userId": "a\nb", "role": "member"}),
        (RoomMemberSet, {"userId": "a/b", "role": "owner"}),
        (RoomMemberSet, {"userId": "ada", "role": None}),
        (RoomMemberSet, {"userId": "ada", "role": "guest"}),
        (MessageCreate, {}),
        (MessageCreate, {"content": None}),
        (MessageCreate, {"content": "x" * (MAX_CHAT_LENGTH + 1)}),
        (MessageCreate, {"content": "x", "clientId": "x" * (MAX_CLIENT_ID + 1)}),
        (MessageCreate, {"content": "x", "clientId": 7}),
    ],
)
def test_what_is_past_the_bounds_is_refused(model: type[BaseModel], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(body)


def test_names_that_are_ours_are_never_passed_on() -> None:
    message = MessageCreate.model_validate(
        {"content": "x", "id": "forged", "userId": "eve", "sequence": 7, "at": "now", "mood": {"is": ["fine", None]}}
    )
    assert passed_fields(message.model_extra) == {"mood": {"is": ["fine", None]}}
    assert passed_fields(None) == {}


def test_every_name_of_a_message_is_ours() -> None:
    assert {field.alias for field in Message.model_fields.values()} | {"agentId", "roomId"} == RESERVED_MESSAGE_FIELDS
