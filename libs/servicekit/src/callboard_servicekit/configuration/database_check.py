"""Whether a service's database is there, and migrated to what this release needs."""

import asyncio
from pathlib import Path
from urllib.parse import quote

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from callboard_servicekit.configuration.finding import Finding, refusal, warning
from callboard_servicekit.configuration.service import DatabaseConfiguration
from callboard_servicekit.database import CONNECT_TIMEOUT_SECONDS
from callboard_servicekit.migrations import Revisions, revisions

DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")
ANSWER_SECONDS = 10.0
_UNREACHABLE = (SQLAlchemyError, PostgresError, InterfaceError, OSError, TimeoutError)


def check_database_url(database: DatabaseConfiguration, url: str) -> list[Finding]:
    """Whether it can lead anywhere at all; asks nobody."""
    try:
        driver = make_url(url).drivername
    except (ArgumentError, ValueError):
        return [refusal(database.variable, "cannot be read; its form is driver://user:password@host/name")]
    if driver not in DRIVERS:
        return [refusal(database.variable, f"begins with one of {', '.join(DRIVERS)}")]
    return []


async def check_database(service: str, database: DatabaseConfiguration, url: str) -> list[Finding]:
    """Look at the database without changing it: a SQLite file is not even made. The URL has been checked."""
    variable, hint = database.variable, f"python -m callboard_{service} migrate"
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not _is_file(parsed):
        return [refusal(variable, f"there is no such file yet; make it: {hint}")]
    try:
        found = await _look(parsed, service, database.migrations)
    except _UNREACHABLE as error:
        return [refusal(variable, f"the database cannot be used: {_reason(error)}")]
    return _judge(found, variable, hint)


def _is_file(url: URL) -> bool:
    return bool(url.database) and Path(str(url.database)).is_file()


def _judge(found: Revisions, variable: str, hint: str) -> list[Finding]:
    if found.current == found.newest:
        return []
    if not found.is_known:
        return [warning(variable, f"a newer release has migrated this database, to {found.current}")]
    stands = f"at {found.current}" if found.current else "empty"
    return [refusal(variable, f"the database is {stands}, and {found.newest} is needed; migrate it: {hint}")]


def _without_writing(url: URL) -> tuple[URL, dict[str, object]]:
    """The URL to look through, and what its driver is told."""
    if url.get_backend_name() != "sqlite":
        return url, {"timeout": CONNECT_TIMEOUT_SECONDS, "command_timeout": ANSWER_SECONDS}
    path = quote(str(Path(str(url.database)).absolute()))
    return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"}), {}


async def _look(url: URL, service: str, scripts: Path) -> Revisions:
    reading_url, arguments = _without_writing(url)
    engine = create_async_engine(reading_url, hide_parameters=True, poolclass=NullPool, connect_args=arguments)
    async with asyncio.timeout(ANSWER_SECONDS), engine.connect() as connection:
        return await connection.run_sync(revisions, service, scripts)


def _reason(error: Exception) -> str:
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__ or error.orig  # SQLAlchemy puts errors of its own before asyncpg's
    first_line = str(cause).partition("\n")[0]
    return f"{type(cause).__name__}: {first_line}" if first_line else type(cause).__name__
