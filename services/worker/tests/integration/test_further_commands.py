"""Commands of other packages: there when they work, and no harm when they do not."""

from pathlib import Path

import pytest

from .conftest import Suite
from .test_cli import run_to_its_end

ENTRY_POINTS = """
[callboard.commands]
greet = greeting:greet
broken = greeting:nothing
text = greeting:TEXT
run = greeting:greet
"""
MODULE = """
import click

TEXT = "no command"


@click.command()
def greet() -> None:
    "Say hello."
    click.echo("hello")
"""


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Where a package with four commands is installed; only one of them is good."""
    folder = tmp_path / "greeting-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "greeting.py").write_text(MODULE)
    return str(tmp_path)


async def test_a_command_of_another_package_is_listed_and_runs(suite: Suite, place: str) -> None:
    assert "Say hello." in (await run_to_its_end(suite, "--help", PYTHONPATH=place)).out
    result = await run_to_its_end(suite, "greet", PYTHONPATH=place)
    assert (result.code, result.out) == (0, "hello\n")


@pytest.mark.parametrize(("name", "reason"), [("broken", "AttributeError"), ("text", "not a command")])
async def test_a_broken_command_says_so_and_breaks_nothing_else(
    suite: Suite, place: str, name: str, reason: str
) -> None:
    listed = await run_to_its_end(suite, "--help", PYTHONPATH=place)
    assert listed.code == 0
    assert f"(cannot be loaded: {reason})" in listed.out
    result = await run_to_its_end(suite, name, "--any", "thing", PYTHONPATH=place)
    assert (result.code, result.err) == (1, f"Error: {name} is installed but cannot be loaded: {reason}\n")


async def test_nobody_else_s_package_replaces_a_command_of_ours(suite: Suite, place: str) -> None:
    result = await run_to_its_end(suite, "run", "--", "echo", "ours", PYTHONPATH=place)
    assert (result.code, result.out) == (0, "ours\n")


async def test_an_unknown_command_is_a_mistake_of_usage(suite: Suite, place: str) -> None:
    result = await run_to_its_end(suite, "nonsense", PYTHONPATH=place)
    assert result.code == 2
    assert "No such command" in result.err
