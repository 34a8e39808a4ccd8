"""The tables of the producer, all in one place. Migrations bring a database to this shape."""

from datetime import datetime
from enum import StrEnum

from callboard_contracts.executions import Status
from callboard_servicekit.sql_types import UtcDateTime
from sqlalchemy import BigInteger, Enum, Index, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_LENGTH = 128
ENUM_LENGTH = 16


class OutboxKind(StrEnum):
    """Which sequence of an execution an outbox row belongs to."""

    STATUS = "status"
    LOGS = "logs"


_BIG = BigInteger().with_variant(Integer, "sqlite")
_STATUS = Enum(
    Status,
    native_enum=False,
    length=ENUM_LENGTH,
    values_callable=lambda statuses: [status.value for status in statuses],
)
_KIND = Enum(
    OutboxKind, native_enum=False, length=ENUM_LENGTH, values_callable=lambda kinds: [kind.value for kind in kinds]
)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        Status: _STATUS,
        OutboxKind: _KIND,
        int: _BIG,
    }


class ExecutionRow(Base):
    """``id`` orders the list; ``log_chunks`` counts over all attempts, ``last_line`` is of the current one."""

    __tablename__ = "executions"
    __table_args__ = (
        UniqueConstraint("organization_id", "task_id"),
        Index("ix_executions_organization_id_id", "organization_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    task_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    status: Mapped[Status]
    attempt: Mapped[int]
    version: Mapped[int]
    start_time: Mapped[datetime | None]
    end_time: Mapped[datetime | None]
    fields: Mapped[str] = mapped_column(Text)
    log_chunks: Mapped[int]
    last_line: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class LogChunkRow(Base):
    """Lines ``first_line .. last_line`` of an attempt, as a JSON array of text; chunks of an attempt are contiguous."""

    __tablename__ = "log_chunks"

    organization_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_line: Mapped[int]
    lines: Mapped[str] = mapped_column(Text)


class OutboxRow(Base):
    """An event that is committed and not known to be relayed; ``attempt`` and ``last_line`` place a log chunk."""

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("organization_id", "task_id", "kind", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    task_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    kind: Mapped[OutboxKind]
    sequence: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int]
    last_line: Mapped[int]
