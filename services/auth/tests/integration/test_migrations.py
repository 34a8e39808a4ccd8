import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from callboard_auth.migrations import SCRIPTS
from callboard_auth.tables import Base, OrganizationRow, SigningKeyRow
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import IntegrityError, StatementError


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "version_table": "alembic_version_auth"}
    )
    return list(compare_metadata(context, Base.metadata))


def indexes(connection: Connection) -> dict[str, str]:
    """Name and predicate of the partial indexes, which the comparison does not look into."""
    found = {}
    for table in ("signing_keys", "revocations"):
        for index in inspect(connection).get_indexes(table):
            where = index.get("dialect_options", {})
            predicate = where.get("postgresql_where") or where.get("sqlite_where")
            if predicate is not None:
                found[str(index["name"])] = str(predicate).strip("()")
    return found


async def test_migrations_lead_to_the_tables_of_the_code(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(indexes) == {
            "uq_signing_keys_active": "is_active",
            "ix_revocations_pending": "published_at IS NULL",
        }


async def test_migrations_that_start_at_once_wait_for_each_other(database_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate, database_url, "auth", SCRIPTS) for _ in range(3)))

    database = Database(database_url)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_moments_come_back_in_utc_with_all_their_microseconds(database: Database) -> None:
    moment = datetime(2026, 3, 29, 2, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    async with database.write() as unit:
        unit.add(OrganizationRow(id="1", name="Engines", created_at=moment))

    async with database.read() as unit:
        stored = (await unit.scalars(select(OrganizationRow.created_at))).one()
    assert stored == moment
    assert stored.tzinfo is UTC


async def test_moment_without_a_time_zone_is_not_stored(database: Database) -> None:
    naive = datetime(2026, 3, 29)  # noqa: DTZ001 - what is under test

    with pytest.raises(StatementError, match="time zone"):
        async with database.write() as unit:
            unit.add(OrganizationRow(id="1", name="Engines", created_at=naive))


async def test_database_itself_allows_one_active_key(database: Database) -> None:
    def key(kid: str, *, is_active: bool) -> SigningKeyRow:
        return SigningKeyRow(kid=kid, private_pem="", public_pem="", is_active=is_active, created_at=datetime.now(UTC))

    async with database.write() as unit:
        unit.add_all([key("1", is_active=True), key("2", is_active=False), key("3", is_active=False)])

    with pytest.raises(IntegrityError):
        async with database.write() as unit:
            unit.add(key("4", is_active=True))
