"""Units of work on both databases: under concurrency, broken off, and with the database gone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest
from callboard_servicekit import database as database_module
from callboard_servicekit.database import Database
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.problems import install_error_handlers
from callboard_servicekit.sql_types import UtcDateTime
from callboard_testkit.postgres_server import PostgresServer
from callboard_testkit.waiting import eventually
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Counter(Base):
    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)


async def open_database(url: str) -> Database:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with database.write() as unit:
        await unit.execute(insert(Counter).values(name="a", value=0))
    return database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(database_url)
    yield database
    await database.close()


async def value_of(database: Database, name: str = "a") -> int | None:
    async with database.read() as unit:
        return await unit.scalar(select(Counter.value).where(Counter.name == name))


async def set_value(unit: AsyncSession, value: int) -> None:
    await unit.execute(update(Counter).where(Counter.name == "a").values(value=value))


async def count_up(database: Database) -> None:
    """Reads, thinks, and writes what follows from what it read."""
    async with database.write() as unit:
        value = await unit.scalar(select(Counter.value).where(Counter.name == "a").with_for_update())
        assert value is not None
        await asyncio.sleep(0)
        await set_value(unit, value + 1)


async def test_units_that_read_and_then_write_never_lose_a_step_and_never_find_it_locked(database: Database) -> None:
    await asyncio.gather(*(count_up(database) for _ in range(60)))
    assert await value_of(database) == 60


async def test_two_processes_on_one_database_wait_for_each_other(database: Database, database_url: str) -> None:
    other = Database(database_url)
    await asyncio.gather(*(count_up(each) for each in (database, other) for _ in range(20)))
    assert await value_of(database) == 40
    await other.close()


async def test_readers_are_not_held_up_by_a_writer(database: Database) -> None:
    async with database.write() as unit:
        await set_value(unit, 5)
        assert await value_of(database) == 0
    assert await value_of(database) == 5


async def test_an_exception_takes_the_whole_unit_back(database: Database) -> None:
    async def fail_half_way() -> None:
        async with database.write() as unit:
            await set_value(unit, 9)
            await unit.execute(insert(Counter).values(name="b", value=1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    assert (await value_of(database), await value_of(database, "b")) == (0, None)


async def test_a_unit_that_was_given_up_is_taken_back_and_holds_nobody_up(database: Database) -> None:
    begun = asyncio.Event()

    async def hang_half_way() -> None:
        async with database.write() as unit:
            await set_value(unit, 9)
            begun.set()
            await asyncio.Event().wait()

    for _ in range(20):
        begun.clear()
        task = asyncio.create_task(hang_half_way())
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await count_up(database)
    assert await value_of(database) == 1


async def test_what_a_read_unit_changes_is_gone(database: Database) -> None:
    async with database.read() as unit:
        await set_value(unit, 9)
    assert await value_of(database) == 0


async def test_an_error_never_shows_the_values(database: Database) -> None:
    async def insert_twice() -> None:
        async with database.write() as unit:
            await unit.execute(insert(Counter), [{"name": "swordfish", "value": 1}] * 2)

    with pytest.raises(IntegrityError) as refusal:
        await insert_twice()
    assert "[SQL parameters hidden" in str(refusal.value)


async def test_sqlite_tells_that_it_is_sqlite(database: Database, database_url: str) -> None:
    await database.check()
    assert database.is_sqlite == database_url.startswith("sqlite")


async def test_sqlite_is_durable_and_keeps_foreign_keys(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.read() as unit:
        asked = {
            name: await unit.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    await database.close()


async def test_a_moment_is_the_same_moment_on_both_databases(database: Database) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=timezone(timedelta(hours=2)))
    async with database.write() as unit:
        await unit.execute(insert(Counter).values(name="t", at=moment))
        await unit.execute(insert(Counter).values(name="never", at=None))
    async with database.read() as unit:
        read = await unit.scalar(select(Counter.at).where(Counter.name == "t"))
        assert await unit.scalar(select(Counter.name).where(Counter.at == moment)) == "t"
        assert await unit.scalar(select(Counter.at).where(Counter.name == "never")) is None
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


async def test_a_moment_without_its_zone_is_never_stored(database: Database) -> None:
    async def store_naive() -> None:
        async with database.write() as unit:
            await unit.execute(insert(Counter).values(name="t", at=datetime(2026, 1, 1)))  # noqa: DTZ001

    with pytest.raises(StatementError, match="time zone"):
        await store_naive()


async def answer_to_a_read(database: Database) -> tuple[int, str]:
    """Status and code of a call that reads from the database; a 503 says when to come back."""
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def read() -> int | None:
        return await value_of(database)

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as http:
        answer = await http.get("/")
        assert answer.status_code != 503 or int(answer.headers["retry-after"]) > 0
        return answer.status_code, str(answer.json()["code"]) if answer.is_error else ""


@pytest.mark.clause("HTTP-7")
async def test_a_database_that_is_gone_is_503_and_comes_back_with_all_that_was_committed(
    own_postgres: PostgresServer,
) -> None:
    database = await open_database(await own_postgres.create_database())
    await count_up(database)
    assert await answer_to_a_read(database) == (200, "")
    own_postgres.stop()
    for _ in range(2):
        assert await answer_to_a_read(database) == (503, Unavailable.code)
    with pytest.raises((OSError, DBAPIError)):
        await database.check()
    own_postgres.start()

    async def is_back() -> bool:
        return await answer_to_a_read(database) == (200, "")

    await eventually(is_back)
    assert await value_of(database) == 1
    await database.check()
    await database.close()


async def test_a_connection_that_the_server_ends_is_503_and_the_next_call_works(postgres_url: str) -> None:
    database = await open_database(postgres_url)
    plain = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))

    async def end_all_others() -> None:
        await plain.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )

    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def cut_off() -> None:
        async with database.write() as unit:
            await set_value(unit, 9)
            await end_all_others()
            await unit.scalar(select(Counter.value))

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as http:
        assert (await http.get("/")).status_code == 503
    assert await answer_to_a_read(database) == (200, "")
    assert await value_of(database) == 0
    await plain.close()
    await database.close()


async def test_a_full_database_is_503(postgres_url: str) -> None:
    database = await open_database(postgres_url)
    name = postgres_url.rpartition("/")[2]
    plain = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    await plain.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
    await plain.execute("CREATE ROLE guest LOGIN")
    guest = Database(postgres_url.replace("callboard@", "guest@"))
    assert await answer_to_a_read(guest) == (503, Unavailable.code)
    await plain.execute("DROP ROLE guest")
    await plain.close()
    await guest.close()
    await database.close()


async def test_a_name_that_resolves_to_nothing_is_503() -> None:
    database = Database("postgresql+asyncpg://callboard@postgres.invalid/callboard")
    assert await answer_to_a_read(database) == (503, Unavailable.code)
    await database.close()


async def test_a_statement_that_takes_too_long_is_503(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = await open_database(postgres_url)
    impatient = Database(postgres_url, command_timeout_seconds=0.2)
    async with setup.write() as unit:
        await unit.execute(text("LOCK TABLE counter IN ACCESS EXCLUSIVE MODE"))
        assert await answer_to_a_read(impatient) == (503, Unavailable.code)
    assert await answer_to_a_read(impatient) == (200, "")
    await impatient.close()
    await setup.close()


async def test_a_lock_that_is_held_for_too_long_is_503(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await open_database(sqlite_url)
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_MILLISECONDS", 20)
    impatient = Database(sqlite_url)
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def write() -> None:
        await count_up(impatient)

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as http:
        async with database.write() as unit:
            await set_value(unit, 5)
            assert (await http.get("/")).status_code == 503
        assert (await http.get("/")).status_code == 200
    await impatient.close()
    await database.close()
