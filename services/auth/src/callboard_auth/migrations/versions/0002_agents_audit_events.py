"""Agents that outlive their API tokens, rotation, and the audit log.

Only adds: the release before it goes on working. It leaves `agent_id` null in what it adds meanwhile.
"""

import sqlalchemy as sa
from alembic import op
from callboard_servicekit.sql_types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.String(32)


def upgrade() -> None:
    op.add_column("api_tokens", sa.Column("agent_id", _ID, nullable=True))
    op.add_column("api_tokens", sa.Column("replaced_by", _ID, nullable=True))
    op.add_column("api_tokens", sa.Column("refused_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE api_tokens SET agent_id = id")
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("organization_id", _ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("actor_kind", sa.String(16), nullable=False),
        sa.Column("actor_id", _ID, nullable=True),
        sa.Column("actor_login", sa.Text(), nullable=True),
        sa.Column("subject_kind", sa.String(16), nullable=False),
        sa.Column("subject_id", _ID, nullable=False),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_audit_events_organization_id_organizations"
        ),
    )
    op.create_index("ix_audit_events_organization_id", "audit_events", ["organization_id", "id"])
    op.create_index("ix_audit_events_at", "audit_events", ["at"])
