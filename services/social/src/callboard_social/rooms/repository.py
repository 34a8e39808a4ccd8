"""Rooms and who is in them, in SQL."""

from collections.abc import Collection
from dataclasses import dataclass

from callboard_contracts.rooms import GENERAL_ID, RoomRole, RoomVisibility
from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from callboard_social.rooms.room import Membership, Room, RoomKey
from callboard_social.tables import Base, MemberRow, RoomRow

# What every message needs is built once: put together for each it would cost more than to run it.
_ROOMS = Base.metadata.tables[RoomRow.__tablename__]
_IS_OWN = and_(RoomRow.organization_id == bindparam("own_organization_id"), RoomRow.id == bindparam("own_id"))
_TAKE_SEQUENCE = (
    update(RoomRow)
    .where(_IS_OWN)
    .values(last_sequence=RoomRow.last_sequence + 1)
    .returning(RoomRow.last_sequence, RoomRow.relayed_sequence)
    .execution_options(synchronize_session=False)
)
_RAISE_RELAYED = (
    update(_ROOMS)
    .where(_IS_OWN, RoomRow.relayed_sequence < bindparam("until"))
    .values(relayed_sequence=bindparam("until"))
)
_ROLE = select(MemberRow.role).where(
    MemberRow.organization_id == bindparam("organization_id"),
    MemberRow.room_id == bindparam("room_id"),
    MemberRow.user_id == bindparam("user_id"),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """The next sequence number of a room, which is locked, and how far its messages are known to be out."""

    sequence: int
    relayed_sequence: int


@dataclass(frozen=True, slots=True)
class SeenRoom:
    """A room, and the role that was given there to the one who asks; None when it is not in."""

    room: Room
    role: RoomRole | None


class RoomRepository:
    """What `lock` returns stays as it is until the unit of work ends, and so does who is in it."""

    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def find(self, key: RoomKey) -> Room | None:
        return await self._one(_room(key))

    async def lock(self, key: RoomKey) -> Room | None:
        return await self._one(_room(key).with_for_update())

    async def add(self, room: Room) -> bool:
        """Store a new one; False when there is one with its id: then `lock` finds that one."""
        values: dict[str, object] = {
            "organization_id": room.key.organization_id,
            "id": room.key.id,
            "name": room.name,
            "visibility": room.visibility,
            "created_by": room.created_by,
            "created_at": room.created_at,
            "last_sequence": room.last_sequence,
            "relayed_sequence": room.relayed_sequence,
        }
        statement = _insert_if_new(self._unit.get_bind().dialect.name, values)
        return (await self._unit.scalars(statement)).one_or_none() is not None

    async def take_sequence(self, key: RoomKey) -> Turn | None:
        """Lock the room and take its next sequence number; None when there is no such room."""
        taken = (await self._unit.execute(_TAKE_SEQUENCE, _own(key))).one_or_none()
        return Turn(*taken) if taken is not None else None

    async def give_back_sequence(self, key: RoomKey) -> None:
        """Nothing was said after all; the room is locked still."""
        await self._unit.execute(update(RoomRow).where(_is_room(key)).values(last_sequence=RoomRow.last_sequence - 1))

    async def raise_relayed_sequence(self, key: RoomKey, sequence: int) -> None:
        """Messages up to this one are out; never goes back."""
        await self._unit.execute(_RAISE_RELAYED, _own(key) | {"until": sequence})

    async def visible_to(self, organization_id: str, user_id: str, *, after: str, limit: int) -> list[SeenRoom]:
        """Rooms that this user is in and rooms that are open, without ``general``, by id."""
        is_mine = and_(
            MemberRow.organization_id == RoomRow.organization_id,
            MemberRow.room_id == RoomRow.id,
            MemberRow.user_id == user_id,
        )
        query = (
            select(RoomRow, MemberRow.role)
            .outerjoin(MemberRow, is_mine)
            .where(
                RoomRow.organization_id == organization_id,
                RoomRow.id > after,
                RoomRow.id != GENERAL_ID,
                or_(MemberRow.role.is_not(None), RoomRow.visibility == RoomVisibility.OPEN),
            )
            .order_by(RoomRow.id)
            .limit(limit)
        )
        return [SeenRoom(_shown(row), role) for row, role in await self._unit.execute(query)]

    async def _one(self, query: Select[RoomRow]) -> Room | None:
        row = (await self._unit.scalars(query)).one_or_none()
        return _shown(row) if row is not None else None


class MemberRepository:
    def __init__(self, unit: AsyncSession) -> None:
        self._unit = unit

    async def find(self, key: RoomKey, user_id: str) -> Membership | None:
        query = select(MemberRow).where(_is_in(key), MemberRow.user_id == user_id)
        row = (await self._unit.scalars(query)).one_or_none()
        return _membership(row) if row is not None else None

    async def role(self, key: RoomKey, user_id: str) -> RoomRole | None:
        parameters = {"organization_id": key.organization_id, "room_id": key.id, "user_id": user_id}
        return await self._unit.scalar(_ROLE, parameters)

    async def among(self, key: RoomKey, user_ids: Collection[str]) -> set[str]:
        """Who of these is in the room."""
        query = select(MemberRow.user_id).where(_is_in(key), MemberRow.user_id.in_(user_ids))
        return set(await self._unit.scalars(query))

    async def page(self, key: RoomKey, *, after: str, limit: int) -> list[Membership]:
        """Who is in the room, by user id."""
        query = select(MemberRow).where(_is_in(key), MemberRow.user_id > after)
        rows = await self._unit.scalars(query.order_by(MemberRow.user_id).limit(limit))
        return list(map(_membership, rows))

    async def rooms_of(self, organization_id: str, user_id: str, limit: int) -> list[str]:
        """Ids of the rooms that the user is in, the one joined first first: what others add cannot displace them."""
        is_own = and_(MemberRow.organization_id == organization_id, MemberRow.user_id == user_id)
        oldest_first = (MemberRow.added_at, MemberRow.room_id)
        query = select(MemberRow.room_id).where(is_own).order_by(*oldest_first).limit(limit)
        return list(await self._unit.scalars(query))

    async def add(self, key: RoomKey, membership: Membership) -> None:
        values = {
            "organization_id": key.organization_id,
            "room_id": key.id,
            "user_id": membership.user_id,
            "role": membership.role,
            "added_at": membership.added_at,
        }
        await self._unit.execute(insert(MemberRow).values(values))

    async def set_role(self, key: RoomKey, user_id: str, role: RoomRole) -> None:
        own = MemberRow.user_id == user_id
        await self._unit.execute(update(MemberRow).where(_is_in(key), own).values(role=role))

    async def remove(self, key: RoomKey, user_id: str) -> None:
        await self._unit.execute(delete(MemberRow).where(_is_in(key), MemberRow.user_id == user_id))

    async def counts(self, key: RoomKey) -> tuple[int, int]:
        """How many are in the room, and how many of them own it."""
        owners = func.count().filter(MemberRow.role == RoomRole.OWNER)
        counted = await self._unit.execute(select(func.count(), owners).select_from(MemberRow).where(_is_in(key)))
        everybody, owning = counted.one()
        return everybody, owning


def _room(key: RoomKey) -> Select[RoomRow]:
    return select(RoomRow).where(_is_room(key))


def _own(key: RoomKey) -> dict[str, object]:
    return {"own_organization_id": key.organization_id, "own_id": key.id}


def _is_room(key: RoomKey) -> ColumnElement[bool]:
    return and_(RoomRow.organization_id == key.organization_id, RoomRow.id == key.id)


def _is_in(key: RoomKey) -> ColumnElement[bool]:
    return and_(MemberRow.organization_id == key.organization_id, MemberRow.room_id == key.id)


def _insert_if_new(dialect: str, values: dict[str, object]) -> ReturningInsert[str]:
    if dialect == "sqlite":
        return sqlite.insert(RoomRow).values(values).on_conflict_do_nothing().returning(RoomRow.id)
    return postgresql.insert(RoomRow).values(values).on_conflict_do_nothing().returning(RoomRow.id)


def _shown(row: RoomRow) -> Room:
    return Room(
        key=RoomKey(row.organization_id, row.id),
        name=row.name,
        visibility=row.visibility,
        created_by=row.created_by,
        created_at=row.created_at,
        last_sequence=row.last_sequence,
        relayed_sequence=row.relayed_sequence,
    )


def _membership(row: MemberRow) -> Membership:
    return Membership(row.user_id, row.role, row.added_at)
