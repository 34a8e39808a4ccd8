"""Making rooms, and changing who is in them. Each function is one unit of work on one room, which it locks."""

from datetime import datetime
from uuid import uuid4

from callboard_contracts.identity import Identity, Role
from callboard_contracts.rooms import RoomCreate, RoomMemberSet, RoomRole, RoomVisibility
from callboard_servicekit.errors import Forbidden
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_social.rooms.errors import LastOwner, RoomExists, RoomForbidden
from callboard_social.rooms.removals import Removal, RemovalRepository
from callboard_social.rooms.repository import MemberRepository, RoomRepository, SeenRoom
from callboard_social.rooms.roles import authority, effective_role, may_change
from callboard_social.rooms.room import Membership, Room, RoomKey


async def create_room(
    unit: AsyncSession, identity: Identity, wanted: RoomCreate, now: datetime
) -> tuple[SeenRoom, bool]:
    """A new room, owned by the identity, and True; the same creation again gives what it made, and False.

    Raises:
        Forbidden: viewers make no rooms.
        RoomExists: another room has this id.
    """
    if not identity.role.includes(Role.MEMBER):
        raise Forbidden
    key = RoomKey(identity.organization_id, wanted.id or uuid4().hex)
    made = Room(key, wanted.name, wanted.visibility, identity.user_id, now)
    members = MemberRepository(unit)
    if await RoomRepository(unit).add(made):
        await members.add(key, Membership(identity.user_id, RoomRole.OWNER, now))
        return SeenRoom(made, RoomRole.OWNER), True
    room = await lock_room(unit, key)
    is_same = (room.name, room.visibility, room.created_by) == (made.name, made.visibility, made.created_by)
    if not is_same:
        raise RoomExists
    return SeenRoom(room, await members.role(key, identity.user_id)), False


async def join_room(unit: AsyncSession, identity: Identity, key: RoomKey, now: datetime) -> SeenRoom:
    """Be in an open room, as a member; whoever is in already stays what it is. Raises `RoomForbidden`."""
    room = await lock_room(unit, key)
    members = MemberRepository(unit)
    role = await members.role(key, identity.user_id)
    if role is None:
        if room.visibility is not RoomVisibility.OPEN:
            raise RoomForbidden
        role = RoomRole.MEMBER
        await members.add(key, Membership(identity.user_id, role, now))
        await RemovalRepository(unit).forget(Removal(key, identity.user_id))
    return SeenRoom(room, role)


async def set_member(
    unit: AsyncSession, identity: Identity, key: RoomKey, wanted: RoomMemberSet, now: datetime
) -> Membership:
    """Somebody is in the room with a role from now on.

    Raises:
        RoomForbidden: the identity may not bring that about.
        LastOwner: the room's only owner would be none any more.
    """
    await lock_room(unit, key)
    members, user_id, role = MemberRepository(unit), wanted.user_id, wanted.role
    current = await members.find(key, user_id)
    before = current.role if current is not None else None
    if not may_change(authority(identity, await members.role(key, identity.user_id)), before, role):
        raise RoomForbidden
    if current is None:
        made = Membership(user_id, role, now)
        await members.add(key, made)
        await RemovalRepository(unit).forget(Removal(key, user_id))
        return made
    if before is RoomRole.OWNER and role is not RoomRole.OWNER:
        _, owners = await members.counts(key)
        if owners == 1:
            raise LastOwner
    await members.set_role(key, user_id, role)
    return Membership(user_id, role, current.added_at)


async def remove_member(unit: AsyncSession, identity: Identity, key: RoomKey, user_id: str, now: datetime) -> bool:
    """Somebody is no longer in the room; True when that has to be told, by this call or still by an earlier one.

    Raises:
        RoomForbidden: somebody else's membership, and the identity may not end it.
        LastOwner: others would be left without an owner.
    """
    room = await RoomRepository(unit).lock(key)
    members, removal = MemberRepository(unit), Removal(key, user_id)
    role = await members.role(key, user_id)
    if user_id != identity.user_id:
        by = authority(identity, await members.role(key, identity.user_id))
        if room is None or not may_change(by, role, None):
            raise RoomForbidden
    # To leave a room that does not exist is the same as to leave one that one is not in: neither tells which it was.
    if role is None:
        return await RemovalRepository(unit).is_pending(removal)
    everybody, owners = await members.counts(key)
    if role is RoomRole.OWNER and owners == 1 and everybody > 1:
        raise LastOwner
    await members.remove(key, user_id)
    await RemovalRepository(unit).add(removal, now)
    return True


async def role_of(unit: AsyncSession, identity: Identity, key: RoomKey) -> RoomRole | None:
    """The identity's effective role in a room that is not ``general``."""
    return effective_role(identity, await MemberRepository(unit).role(key, identity.user_id))


async def require_sight_of_members(unit: AsyncSession, identity: Identity, key: RoomKey) -> None:
    """Members see who else is in, and so does who may manage them; raises `RoomForbidden` for anybody else."""
    role = await MemberRepository(unit).role(key, identity.user_id)
    if role is not None:
        return
    if authority(identity, None) is None or await RoomRepository(unit).find(key) is None:
        raise RoomForbidden


async def lock_room(unit: AsyncSession, key: RoomKey) -> Room:
    """The room, which nobody else changes until the unit of work ends; raises `RoomForbidden` when there is none."""
    room = await RoomRepository(unit).lock(key)
    if room is None:
        raise RoomForbidden
    return room
