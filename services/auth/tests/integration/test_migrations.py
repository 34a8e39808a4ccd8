import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from callboard_auth.migrations import SCRIPTS
from callboard_auth.tables import ApiTokenRow, Base, OrganizationRow, SigningKeyRow
from callboard_auth.tokens.repository import ApiTokenRepository
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from sqlalchemy import Connection, inspect, select, text
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


async def migrate_to(database: Database, revision: str) -> None:
    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes |= {"connection": connection, "version_table": "alembic_version_auth"}
        command.upgrade(config, revision)

    async with database.write() as unit:
        await (await unit.connection()).run_sync(upgrade)


ORGANIZATION = "INSERT INTO organizations (id, name, created_at) VALUES ('o1', 'Engines', :now)"
USER = (
    "INSERT INTO users (id, login, login_key, email, email_key, password_hash, created_at)"
    " VALUES ('u1', 'ada', 'ada', 'a@example.com', 'a@example.com', '', :now)"
)
TOKEN = (
    "INSERT INTO api_tokens (id, organization_id, created_by, name, secret_hash, created_at, last_used_at)"
    " VALUES (:id, 'o1', 'u1', 'ci', 'hash', :now, :now)"
)


async def test_tokens_of_the_first_release_become_their_own_agents(database_url: str) -> None:
    database = Database(database_url)
    now = datetime.now(UTC)
    moment = {"now": now.replace(tzinfo=None) if database.is_sqlite else now}
    await migrate_to(database, "0001")
    async with database.write() as unit:
        for statement in (ORGANIZATION, USER):
            await unit.execute(text(statement), moment)
        await unit.execute(text(TOKEN), moment | {"id": "t1"})

    await asyncio.to_thread(migrate, database_url, "auth", SCRIPTS)

    async with database.write() as unit:
        assert (await unit.scalars(select(ApiTokenRow.agent_id))).one() == "t1"
        # Replicas of the first release go on for a while.
        await unit.execute(text(TOKEN), moment | {"id": "t2"})
    async with database.read() as unit:
        for token_id in ("t1", "t2"):
            token = await ApiTokenRepository(unit).find(token_id)
            assert token is not None
            assert (token.agent_id, token.name, token.last_used_at) == (token_id, "ci", now)
            assert (token.replaced_by, token.refused_at) == (None, None)
    await database.close()
