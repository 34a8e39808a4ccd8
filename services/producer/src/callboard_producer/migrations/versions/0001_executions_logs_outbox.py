"""Executions, their log lines, and the outbox."""

import sqlalchemy as sa
from alembic import op
from callboard_servicekit.sql_types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(128)
_ENUM = sa.String(16)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, _BIG, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(), nullable=nullable)


def upgrade() -> None:
    _create_executions()
    _create_log_chunks()
    _create_outbox()


def _create_executions() -> None:
    op.create_table(
        "executions",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("task_id", _ID, nullable=False),
        sa.Column("status", _ENUM, nullable=False),
        _number("attempt"),
        _number("version"),
        _moment("start_time", nullable=True),
        _moment("end_time", nullable=True),
        sa.Column("fields", sa.Text(), nullable=False),
        _number("log_chunks"),
        _number("last_line"),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_executions"),
        sa.UniqueConstraint("organization_id", "task_id", name="uq_executions_organization_id_task_id"),
    )
    op.create_index("ix_executions_organization_id_id", "executions", ["organization_id", "id"])


def _create_log_chunks() -> None:
    op.create_table(
        "log_chunks",
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("task_id", _ID, nullable=False),
        sa.Column("attempt", _BIG, autoincrement=False, nullable=False),
        sa.Column("first_line", _BIG, autoincrement=False, nullable=False),
        _number("last_line"),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "task_id", "attempt", "first_line", name="pk_log_chunks"),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("task_id", _ID, nullable=False),
        sa.Column("kind", _ENUM, nullable=False),
        _number("sequence"),
        sa.Column("body", sa.Text(), nullable=False),
        _number("attempt"),
        _number("last_line"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint(
            "organization_id", "task_id", "kind", "sequence", name="uq_outbox_organization_id_task_id_kind_sequence"
        ),
    )
