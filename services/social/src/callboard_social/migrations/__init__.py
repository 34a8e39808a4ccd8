"""Alembic scripts; `SCRIPTS` is where they are."""

from pathlib import Path

SCRIPTS = Path(__file__).parent
