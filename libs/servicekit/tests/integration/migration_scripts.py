"""Alembic scripts for tests: 0001 makes a table, each later one adds its number to it."""

from pathlib import Path

ENVIRONMENT = """
from sqlalchemy import MetaData
from callboard_servicekit.migrations import run_environment

run_environment(MetaData())
"""
REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = {before!r}


def upgrade() -> None:
    op.execute("INSERT INTO steps_taken (name) VALUES ('{number}')") if {before!r} else op.create_table(
        "steps_taken", sa.Column("name", sa.String)
    )
    {more}
"""


def add_revision(folder: Path, number: str, before: str | None, more: str = "") -> None:
    (folder / "versions" / f"{number}.py").write_text(REVISION.format(number=number, before=before, more=more))


def write_scripts(folder: Path) -> None:
    """A folder of three revisions."""
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENVIRONMENT)
    for number, before in (("0001", None), ("0002", "0001"), ("0003", "0002")):
        add_revision(folder, number, before)
