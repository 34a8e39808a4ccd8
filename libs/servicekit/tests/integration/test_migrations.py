"""One-shot migrations: twice at once, again, and half-way."""

import asyncio
import sys
from pathlib import Path

import pytest
from callboard_servicekit import database as database_module
from callboard_servicekit.database import Database
from callboard_servicekit.migrations import migrate
from sqlalchemy import text

from .migration_scripts import add_revision


async def steps(url: str) -> list[str]:
    database = Database(url)
    async with database.read() as unit:
        found = (await unit.scalars(text("SELECT name FROM steps_taken ORDER BY name"))).all()
        revision = await unit.scalar(text("SELECT version_num FROM alembic_version_test"))
    await database.close()
    return [*found, f"at {revision}"]


async def test_migrations_that_start_at_once_wait_for_each_other(database_url: str, scripts: Path) -> None:
    program = (
        "import sys, pathlib; from callboard_servicekit.migrations import migrate;"
        "migrate(sys.argv[1], 'test', pathlib.Path(sys.argv[2]))"
    )
    command = (sys.executable, "-c", program, database_url, str(scripts))
    processes = await asyncio.gather(*(asyncio.create_subprocess_exec(*command) for _ in range(3)))
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert await steps(database_url) == ["0002", "0003", "at 0003"]


async def test_a_database_that_is_up_to_date_is_left_alone(database_url: str, scripts: Path) -> None:
    for _ in range(2):
        await asyncio.to_thread(migrate, database_url, "test", scripts)
    assert await steps(database_url) == ["0002", "0003", "at 0003"]


async def test_a_migration_that_fails_leaves_nothing_half_done(database_url: str, scripts: Path) -> None:
    await asyncio.to_thread(migrate, database_url, "test", scripts)
    add_revision(scripts, "0004", "0003")
    add_revision(scripts, "0005", "0004", more="raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(migrate, database_url, "test", scripts)
    assert await steps(database_url) == ["0002", "0003", "at 0003"]


async def test_two_services_in_one_database_count_their_own_revisions(database_url: str, scripts: Path) -> None:
    await asyncio.to_thread(migrate, database_url, "test", scripts)
    database = Database(database_url)
    async with database.write() as unit:
        await unit.execute(text("DROP TABLE steps_taken"))
    await database.close()
    await asyncio.to_thread(migrate, database_url, "other", scripts)
    assert await steps(database_url) == ["0002", "0003", "at 0003"]


async def test_a_migration_may_take_longer_than_a_statement(
    postgres_url: str, scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "COMMAND_TIMEOUT_SECONDS", 0.1)
    add_revision(scripts, "0004", "0003", more='op.execute("SELECT pg_sleep(0.3)")')
    await asyncio.to_thread(migrate, postgres_url, "test", scripts)
    assert await steps(postgres_url) == ["0002", "0003", "0004", "at 0004"]
