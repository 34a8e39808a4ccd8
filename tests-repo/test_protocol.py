"""PROTOCOL.md and the tests hold each other: no clause without a test, no clause test without a clause."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard_contracts import close_codes

ENTRY = re.compile(r"- \*\*(?P<id>[A-Z]+(?:-[A-Z]+)*-[0-9]+)\*\* (?P<text>\S.*)")
REMOVED = "(removed)"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def cited_in(node: ast.AST) -> Iterator[str]:
    """The ids in every ``pytest.mark.clause("ID")`` at or below a node."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.clause":
            for argument in call.args:
                assert isinstance(argument, ast.Constant), f"a clause is cited by its literal id, line {call.lineno}"
                yield str(argument.value)


def marks_of(node: ast.Module | Definition) -> Iterator[ast.AST]:
    """What marks all tests of a module or a class, or one test."""
    if not isinstance(node, ast.Module):
        yield from node.decorator_list
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark":
                yield statement.value


def uncited(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    if any(list(cited_in(mark)) for mark in marks_of(node)):
        return
    for item in node.body:
        if isinstance(item, ast.ClassDef) and item.name.startswith("Test"):
            yield from uncited(item)
        elif isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            is_test = item.name.startswith("test_")
            if is_test and not any(list(cited_in(mark)) for mark in marks_of(item)):
                yield item.name


@pytest.fixture(scope="module")
def entries(protocol: str) -> list[tuple[str, str]]:
    """Id and text of each clause, the removed ones too."""
    lines = [line for line in protocol.splitlines() if line.startswith("- **")]
    malformed = [line for line in lines if ENTRY.fullmatch(line) is None]
    assert malformed == []
    return [(match["id"], match["text"]) for line in lines if (match := ENTRY.fullmatch(line))]


@pytest.fixture(scope="module")
def cited(python_files: list[Path]) -> dict[str, Path]:
    """Each id that some test cites, and one file that does."""
    tests = [path for path in python_files if path.name.startswith("test_")]
    return {clause: path for path in tests for clause in cited_in(ast.parse(path.read_text()))}


def test_ids_of_clauses_are_unique(entries: list[tuple[str, str]]) -> None:
    assert [clause for clause, count in Counter(clause for clause, _ in entries).items() if count > 1] == []


def test_there_are_clauses_and_citations(entries: list[tuple[str, str]], cited: dict[str, Path]) -> None:
    assert len(entries) > 50
    assert len(cited) > 50


def test_every_clause_is_cited_by_a_test(entries: list[tuple[str, str]], cited: dict[str, Path]) -> None:
    assert [clause for clause, text in entries if text != REMOVED and clause not in cited] == []


def test_every_id_that_is_cited_is_a_clause(entries: list[tuple[str, str]], cited: dict[str, Path]) -> None:
    standing = {clause for clause, text in entries if text != REMOVED}
    assert {clause: path.name for clause, path in cited.items() if clause not in standing} == {}


def test_every_test_of_the_clause_tier_cites_a_clause(python_files: list[Path], root: Path) -> None:
    tier = [path for path in python_files if path.is_relative_to(root / "tests-e2e/clauses")]
    assert tier
    loose = {path.name: list(uncited(ast.parse(path.read_text()))) for path in tier}
    assert {name: tests for name, tests in loose.items() if tests} == {}


@pytest.mark.clause("CLOSE-1")
def test_the_table_of_close_codes_is_the_one_in_the_code(protocol: str) -> None:
    section = protocol.partition("## Close codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([0-9]{4}) \| (.+?)(?: \(.*\))? \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(str(entry.code), entry.reason, entry.then.value) for entry in close_codes.ALL]


def test_a_test_that_cites_nothing_is_found_out() -> None:
    module = ast.parse(
        "import pytest\n"
        "@pytest.mark.clause('A-1')\n"
        "async def test_a(): ...\n"
        "def test_b(): ...\n"
        "def helper(): ...\n"
        "class TestC:\n"
        "    pytestmark = [pytest.mark.clause('A-2')]\n"
        "    def test_d(self): ...\n"
        "class TestE:\n"
        "    def test_f(self): ...\n"
    )
    assert list(uncited(module)) == ["test_b", "test_f"]
    assert list(cited_in(module)) == ["A-1", "A-2"]
