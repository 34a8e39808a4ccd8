"""The tables of auth, all in one place: what refers to what. Migrations bring a database to this shape."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from callboard_contracts.accounts import ActorKind, AuditAction
from callboard_contracts.identity import Role
from callboard_contracts.revocations import RevocationKind
from callboard_servicekit.sql_types import UtcDateTime
from sqlalchemy import JSON, BigInteger, Enum, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_LENGTH = 32
_SERIAL = BigInteger().with_variant(Integer, "sqlite")


def _words(enum: type[StrEnum], length: int = 16) -> Enum:
    """A column with the values of an enum, as text."""
    return Enum(enum, native_enum=False, length=length, values_callable=lambda members: [one.value for one in members])


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        Role: _words(Role),
        RevocationKind: _words(RevocationKind),
        ActorKind: _words(ActorKind),
        AuditAction: _words(AuditAction, 32),
    }


class OrganizationRow(Base):
    __tablename__ = "organizations"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class UserRow(Base):
    """``login`` and ``email`` are shown as they were given; their keys are what may exist only once."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    login: Mapped[str] = mapped_column(Text)
    login_key: Mapped[str] = mapped_column(Text, unique=True)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class MembershipRow(Base):
    __tablename__ = "memberships"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True, index=True)
    role: Mapped[Role]
    created_at: Mapped[datetime]


class SessionRow(Base):
    """``id`` is the ``sid`` of its tokens; ``salt`` is what its refresh tokens are derived with."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class RefreshTokenRow(Base):
    """Only the SHA-256 of a refresh token is kept."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    issued_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiTokenRow(Base):
    """``id`` is the ``sid`` of the tokens it is exchanged for, ``agent_id`` their ``sub``.

    ``agent_id`` is null in rows of the release before it came: such a token is its own agent.
    Everybody in the organisation sees an agent's id, so a token's must not follow from it.
    """

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), index=True)
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(Text)
    secret_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    agent_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    replaced_by: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    refused_at: Mapped[datetime | None]


class SigningKeyRow(Base):
    """A key signs while it is active; its public half is published until ``retires_at``."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index(
            "uq_signing_keys_active",
            "is_active",
            unique=True,
            postgresql_where=text("is_active"),
            sqlite_where=text("is_active"),
        ),
    )

    kid: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    private_pem: Mapped[str] = mapped_column(Text)
    public_pem: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    retires_at: Mapped[datetime | None]


class RevocationRow(Base):
    """Written with the end that it tells of; ``published_at`` is null until Redis has it."""

    __tablename__ = "revocations"
    __table_args__ = (
        Index(
            "ix_revocations_pending",
            "subject_id",
            postgresql_where=text("published_at IS NULL"),
            sqlite_where=text("published_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    kind: Mapped[RevocationKind]
    subject_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    published_at: Mapped[datetime | None]


class AuditEventRow(Base):
    """Written with the change that it tells of. It names its actor and subject itself: they may change or go."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_organization_id", "organization_id", "id"),)

    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[AuditAction]
    actor_kind: Mapped[ActorKind]
    actor_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    actor_login: Mapped[str | None] = mapped_column(Text)
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    subject_name: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    request_id: Mapped[str | None] = mapped_column(String(64))
