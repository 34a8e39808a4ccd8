"""What the repository consists of."""

import importlib
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from callboard_servicekit.settings import ServiceSettings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file of the repository, the ones not yet committed too, but for what is ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file()]


@pytest.fixture(scope="session")
def python_files(files: list[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".py"]


@pytest.fixture(scope="session")
def documents(files: list[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".md"]


@pytest.fixture(scope="session")
def projects(files: list[Path]) -> dict[Path, dict[str, Any]]:
    """Every pyproject.toml, read."""
    return {path: tomllib.loads(path.read_text()) for path in files if path.name == "pyproject.toml"}


@pytest.fixture(scope="session")
def protocol(root: Path) -> str:
    return (root / "libs/contracts/PROTOCOL.md").read_text()


@pytest.fixture(scope="session")
def settings_classes(root: Path) -> list[type[ServiceSettings]]:
    """The settings of every service, found by where they stand and not by what the services announce."""
    modules = [f"{path.parent.name}.settings" for path in sorted(root.glob("services/*/src/*/settings.py"))]
    return [
        found
        for module in modules
        for found in vars(importlib.import_module(module)).values()
        if isinstance(found, type) and issubclass(found, ServiceSettings) and found.__module__ == module
    ]
