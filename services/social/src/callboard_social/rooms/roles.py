"""Who may do what in a room. Pure: what is stored comes in, what is allowed comes out."""

from callboard_contracts.identity import Identity, Role
from callboard_contracts.rooms import RoomRole


def general_role(identity: Identity) -> RoomRole:
    """The role in ``general``: the one in the organisation."""
    return RoomRole(identity.role.value)


def effective_role(identity: Identity, given: RoomRole | None) -> RoomRole | None:
    """What a role that was given in a room comes to; a viewer of the organisation has no more than that anywhere."""
    if given is None or identity.role is not Role.VIEWER:
        return given
    return RoomRole.VIEWER


def authority(identity: Identity, given: RoomRole | None) -> RoomRole | None:
    """The highest role that this identity may give and take in a room; None: none at all.

    Owners and admins of the organisation may do as the room's owner does, whether they are in it or not.
    """
    if identity.role.includes(Role.ADMIN):
        return RoomRole.OWNER
    role = effective_role(identity, given)
    return role if role is not None and role.includes(RoomRole.ADMIN) else None


def may_change(by: RoomRole | None, before: RoomRole | None, after: RoomRole | None) -> bool:
    """Whether an authority may bring somebody from one role to another; None is not being in the room."""
    return by is not None and all(role is None or by.includes(role) for role in (before, after))


def may_speak(role: RoomRole | None) -> bool:
    return role is not None and role.includes(RoomRole.MEMBER)
