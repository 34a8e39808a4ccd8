"""The database session: SQLite for one machine, PostgreSQL for more than one replica.

A unit of work says before it begins whether it writes. On SQLite a transaction that reads first and writes later
fails with "locked" at once, whatever the time-out; so units that write begin with ``BEGIN IMMEDIATE``.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from callboard_servicekit.telemetry import Telemetry

_WRITES = "callboard_writes"
BUSY_TIMEOUT_MILLISECONDS = 5_000
CONNECT_TIMEOUT_SECONDS = 5
COMMAND_TIMEOUT_SECONDS = 10


def _engine_options(url: str, command_timeout_seconds: float | None) -> dict[str, Any]:
    if make_url(url).get_backend_name() == "sqlite":
        return {}
    return {
        "pool_pre_ping": True,
        "pool_timeout": CONNECT_TIMEOUT_SECONDS,
        "connect_args": {"timeout": CONNECT_TIMEOUT_SECONDS, "command_timeout": command_timeout_seconds},
    }


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver no longer begins by itself: _begin does
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def create_engine(url: str, command_timeout_seconds: float | None = COMMAND_TIMEOUT_SECONDS) -> AsyncEngine:
    """An engine for ``sqlite+aiosqlite://`` or ``postgresql+asyncpg://``; values never appear in its errors."""
    engine = create_async_engine(url, hide_parameters=True, **_engine_options(url, command_timeout_seconds))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


class Database:
    """One service's database. Repositories get the session; the unit of work commits, nobody else."""

    def __init__(self, url: str, *, command_timeout_seconds: float | None = COMMAND_TIMEOUT_SECONDS) -> None:
        self.engine = create_engine(url, command_timeout_seconds)
        self._writing_engine = self.engine.execution_options(**{_WRITES: True})
        # SQLite lets one unit write at a time and has the others poll, some of them past the time-out: let them queue.
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A unit of work that only reads."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A unit of work that writes: committed at the end of the block, rolled back on an exception."""
        async with (
            self._turn,
            AsyncSession(self._writing_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def measure(self, telemetry: Telemetry) -> None:
        """Have the connections in use counted; a pool that keeps only one has nothing to count."""
        pool = self.engine.pool
        telemetry.gauge(
            "callboard_database_connections",
            "Connections to the database in use.",
            lambda: float(pool.checkedout()) if isinstance(pool, QueuePool) else 0.0,
        )

    async def check(self) -> None:
        """Raises when the database does not answer; a readiness check."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()
