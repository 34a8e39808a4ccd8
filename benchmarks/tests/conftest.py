"""The built load generator, where the measurements look for it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def program() -> Path:
    subprocess.run([str(ROOT / "local" / "bench.sh"), "build"], check=True)
    return ROOT / "var" / "bench" / "load"
