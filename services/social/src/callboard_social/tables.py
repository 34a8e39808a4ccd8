"""The tables of social, all in one place. Migrations bring a database to this shape.

The organisation is in every key: no row can be found without saying whose it is.
"""

from datetime import datetime

from callboard_contracts.rooms import RoomRole, RoomVisibility
from callboard_servicekit.sql_types import UtcDateTime
from sqlalchemy import BigInteger, Enum, ForeignKeyConstraint, Index, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_LENGTH = 128
NAME_LENGTH = 128
ENUM_LENGTH = 16

_BIG = BigInteger().with_variant(Integer, "sqlite")
_ROLE = Enum(
    RoomRole, native_enum=False, length=ENUM_LENGTH, values_callable=lambda roles: [role.value for role in roles]
)
_VISIBILITY = Enum(
    RoomVisibility, native_enum=False, length=ENUM_LENGTH, values_callable=lambda found: [each.value for each in found]
)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        RoomRole: _ROLE,
        RoomVisibility: _VISIBILITY,
        int: _BIG,
    }


def _of_room() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["organization_id", "room_id"], ["rooms.organization_id", "rooms.id"])


class RoomRow(Base):
    """``last_sequence`` is its last message's; up to ``relayed_sequence`` Redis has acknowledged them.

    ``general`` gets a row with its first message; nobody has created it.
    """

    __tablename__ = "rooms"

    organization_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    visibility: Mapped[RoomVisibility]
    created_by: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    created_at: Mapped[datetime]
    last_sequence: Mapped[int]
    relayed_sequence: Mapped[int]


class MemberRow(Base):
    """Who is in a room; ``general`` has none of these."""

    __tablename__ = "members"
    __table_args__ = (_of_room(), Index(None, "organization_id", "user_id"))

    organization_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    room_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    role: Mapped[RoomRole]
    added_at: Mapped[datetime]


class RemovalRow(Base):
    """Somebody is no longer in a room, and its sockets are not known to have been told."""

    __tablename__ = "removals"
    __table_args__ = (_of_room(), Index(None, "removed_at"))

    organization_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    room_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    removed_at: Mapped[datetime]


class MessageRow(Base):
    """What was said. ``fields`` is a JSON object, ``origin`` the JSON of an `Origin` or null."""

    __tablename__ = "messages"
    __table_args__ = (_of_room(), UniqueConstraint("organization_id", "room_id", "user_id", "client_id"))

    organization_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    room_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(ID_LENGTH))
    user_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    login: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    content: Mapped[str] = mapped_column(Text)
    fields: Mapped[str] = mapped_column(Text)
    origin: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    at: Mapped[datetime]
