"""One-shot migrations: `python -m callboard_<service> migrate`, safe to start twice at once."""

import asyncio
import zlib
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text

from callboard_servicekit.database import Database


def _upgrade(connection: Connection, service: str, scripts: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = f"alembic_version_{service}"
    if connection.dialect.name == "postgresql":
        lock = zlib.crc32(f"callboard_{service}".encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
    command.upgrade(config, "head")


async def _migrate(url: str, service: str, scripts: Path) -> None:
    # A migration, and the wait for another one, may take as long as it takes.
    database = Database(url, command_timeout_seconds=None)
    try:
        async with database.write() as session:
            connection = await session.connection()
            await connection.run_sync(_upgrade, service, scripts)
    finally:
        await database.close()


def migrate(url: str, service: str, scripts: Path) -> None:
    """Bring the database to the newest revision; concurrent calls wait for each other."""
    asyncio.run(_migrate(url, service, scripts))


def run_environment(metadata: MetaData) -> None:
    """What a service's Alembic ``env.py`` calls: run within the connection that `migrate` opened."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        target_metadata=metadata,
        version_table=attributes["version_table"],
        render_as_batch=True,
    )
    context.run_migrations()
