"""One-shot migrations: `python -m callboard_<service> migrate`, safe to start twice at once."""

import asyncio
import zlib
from dataclasses import dataclass
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from callboard_servicekit.database import Database


@dataclass(frozen=True, slots=True)
class Revisions:
    """Where a database stands: ``current`` is None before the first migration, ``newest`` is this release's."""

    current: str | None
    newest: str | None
    is_known: bool


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


def _version_table(service: str) -> str:
    return f"alembic_version_{service}"


def revisions(connection: Connection, service: str, scripts: Path) -> Revisions:
    """Compare a database with the scripts of this release; changes nothing."""
    directory = ScriptDirectory.from_config(_config(scripts))
    migration = MigrationContext.configure(connection, opts={"version_table": _version_table(service)})
    current = migration.get_current_revision()
    known = {script.revision for script in directory.walk_revisions()}
    return Revisions(current, directory.get_current_head(), is_known=current is None or current in known)


def _upgrade(connection: Connection, service: str, scripts: Path) -> None:
    config = _config(scripts)
    config.attributes["connection"] = connection
    config.attributes["version_table"] = _version_table(service)
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
