"""The database, for callers who know nothing of databases: when it is away they are told `Unavailable`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from callboard_servicekit.database import Database
from callboard_servicekit.errors import Unavailable
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger(__name__)


@asynccontextmanager
async def _telling_outages() -> AsyncIterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise  # a fault of ours
    except (DBAPIError, PoolTimeout, OSError) as error:
        log.warning("dependency_unavailable", error=type(error).__name__)
        raise Unavailable from error


class Storage:
    """Units of work as `Database` has them; each raises `Unavailable` when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with _telling_outages(), self._database.read() as unit:
            yield unit

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with _telling_outages(), self._database.write() as unit:
            yield unit
