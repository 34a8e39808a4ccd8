"""Rooms, their members, removals that have to be told, and messages."""

import sqlalchemy as sa
from alembic import op
from callboard_servicekit.sql_types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(128)
_NAME = sa.String(128)
_ENUM = sa.String(16)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _ID, nullable=nullable)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(), nullable=False)


def _of_room(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_organization_id_room_id"
    return sa.ForeignKeyConstraint(["organization_id", "room_id"], ["rooms.organization_id", "rooms.id"], name=name)


def upgrade() -> None:
    _create_rooms()
    _create_members()
    _create_removals()
    _create_messages()


def _create_rooms() -> None:
    op.create_table(
        "rooms",
        _id("organization_id"),
        _id("id"),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("visibility", _ENUM, nullable=False),
        _id("created_by", nullable=True),
        _moment("created_at"),
        sa.Column("last_sequence", _BIG, nullable=False),
        sa.Column("relayed_sequence", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_rooms"),
    )


def _create_members() -> None:
    op.create_table(
        "members",
        _id("organization_id"),
        _id("room_id"),
        _id("user_id"),
        sa.Column("role", _ENUM, nullable=False),
        _moment("added_at"),
        sa.PrimaryKeyConstraint("organization_id", "room_id", "user_id", name="pk_members"),
        _of_room("members"),
    )
    op.create_index("ix_members_organization_id_user_id", "members", ["organization_id", "user_id"])


def _create_removals() -> None:
    op.create_table(
        "removals",
        _id("organization_id"),
        _id("room_id"),
        _id("user_id"),
        _moment("removed_at"),
        sa.PrimaryKeyConstraint("organization_id", "room_id", "user_id", name="pk_removals"),
        _of_room("removals"),
    )
    op.create_index("ix_removals_removed_at", "removals", ["removed_at"])


def _create_messages() -> None:
    op.create_table(
        "messages",
        _id("organization_id"),
        _id("room_id"),
        sa.Column("sequence", _BIG, autoincrement=False, nullable=False),
        _id("id"),
        _id("user_id"),
        sa.Column("login", sa.Text(), nullable=False),
        _id("client_id", nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        _id("request_id"),
        _moment("at"),
        sa.PrimaryKeyConstraint("organization_id", "room_id", "sequence", name="pk_messages"),
        sa.UniqueConstraint(
            "organization_id",
            "room_id",
            "user_id",
            "client_id",
            name="uq_messages_organization_id_room_id_user_id_client_id",
        ),
        _of_room("messages"),
    )
