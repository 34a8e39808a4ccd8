"""Who may do what in a room."""

import pytest
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.rooms import RoomRole
from callboard_social.rooms.roles import authority, effective_role, general_role, may_change, may_speak

OWNER, ADMIN, MEMBER, VIEWER = RoomRole


def somebody(role: Role) -> Identity:
    return Identity(
        user_id="user-1",
        login="ada",
        organization_id="org-1",
        role=role,
        kind=IdentityKind.USER,
        session_id=None,
        issued_at=0,
        expires_at=1,
    )


def test_in_general_everybody_has_the_role_of_the_organisation() -> None:
    assert [general_role(somebody(role)) for role in Role] == [OWNER, ADMIN, MEMBER, VIEWER]


@pytest.mark.parametrize("given", [*RoomRole, None])
def test_a_role_in_a_room_is_what_was_given_but_for_viewers_of_the_organisation(given: RoomRole | None) -> None:
    assert [effective_role(somebody(role), given) for role in (Role.OWNER, Role.ADMIN, Role.MEMBER)] == [given] * 3
    assert effective_role(somebody(Role.VIEWER), given) is (None if given is None else VIEWER)


@pytest.mark.parametrize(
    ("role", "authorities"),
    [
        (Role.OWNER, [OWNER] * 5),
        (Role.ADMIN, [OWNER] * 5),
        (Role.MEMBER, [OWNER, ADMIN, None, None, None]),
        (Role.VIEWER, [None] * 5),
    ],
)
def test_owners_and_admins_of_room_and_organisation_have_authority_and_nobody_else(
    role: Role, authorities: list[RoomRole | None]
) -> None:
    assert [authority(somebody(role), given) for given in (*RoomRole, None)] == authorities


def test_nobody_gives_or_takes_a_role_above_the_own_authority() -> None:
    assert all(may_change(OWNER, before, after) for before in (*RoomRole, None) for after in (*RoomRole, None))
    below = {ADMIN, MEMBER, VIEWER, None}
    for before in (*RoomRole, None):
        for after in (*RoomRole, None):
            assert may_change(ADMIN, before, after) is ({before, after} <= below)
            assert not may_change(None, before, after)


def test_viewers_read_only() -> None:
    assert [may_speak(role) for role in (*RoomRole, None)] == [True, True, True, False, False]
