import asyncio
import os
import sys
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from callboard_servicekit.database import Database
from callboard_social.tables import Base
from sqlalchemy import Connection


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"version_table": "alembic_version_social"})
    return list(compare_metadata(context, Base.metadata))


async def test_the_migrated_schema_is_the_one_of_the_tables(migrated_url: str) -> None:
    database = Database(migrated_url)
    try:
        async with database.read() as unit:
            assert await (await unit.connection()).run_sync(_differences) == []
    finally:
        await database.close()


async def test_migrating_twice_at_once_is_migrating_once(database_url: str) -> None:
    environment = os.environ | {
        "SOCIAL_DATABASE_URL": database_url,
        "SOCIAL_TICKET_SECRET": "a-ticket-secret-of-the-tests-0123456789",
    }
    command = (sys.executable, "-m", "callboard_social", "migrate")
    processes = [await asyncio.create_subprocess_exec(*command, env=environment) for _ in range(2)]
    assert await asyncio.gather(*(process.wait() for process in processes)) == [0, 0]

    await test_the_migrated_schema_is_the_one_of_the_tables(database_url)
