"""What holds for every file: small, finished, and silent about where it came from."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

MAX_LINES = 500
MAX_FUNCTION_LINES = 50
WRITTEN_BY_PROGRAMS = {"requirements.lock", "package-lock.json"}
FIGURES = {".png", ".svg", ".ico", ".woff2"}

# Put together here, so that this file itself passes.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3 + ":"]) + r")")
REGISTRIES = re.compile(
    "|".join([r"py" + r"pi\.", "python" + "hosted", "npm" + r"js\.", "crates" + r"\.io", "ghcr" + r"\.io"])
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@pytest.fixture(scope="module")
def texts(files: list[Path], root: Path) -> dict[str, str]:
    """Every text of the repository by its path."""
    return {str(path.relative_to(root)): path.read_text() for path in files if path.suffix not in FIGURES}


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that hold code, not only a comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {line for token in tokens if token.type not in NO_CODE for line in range(token.start[0], token.end[0] + 1)}


def docstring_lines(function: Function) -> set[int]:
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return set()
    return set(range(first.lineno, (first.end_lineno or first.lineno) + 1))


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    lines = code_lines(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            span = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            count = len((span & lines) - docstring_lines(node))
            if count > MAX_FUNCTION_LINES:
                yield node.name, count


def test_no_file_is_longer_than_500_lines(texts: dict[str, str]) -> None:
    lengths = {name: text.count("\n") for name, text in texts.items() if Path(name).name not in WRITTEN_BY_PROGRAMS}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_no_function_is_longer_than_50_lines_of_code(texts: dict[str, str]) -> None:
    found = {name: list(long_functions(text)) for name, text in texts.items() if name.endswith(".py")}
    assert {name: functions for name, functions in found.items() if functions} == {}


def test_a_long_function_is_found_out() -> None:
    body = "    '''Says\n    why.'''\n    # a comment\n\n" + "    x = 1\n" * MAX_FUNCTION_LINES
    assert list(long_functions("async def long():\n" + body)) == [("long", MAX_FUNCTION_LINES + 1)]
    assert list(long_functions("def short():\n" + body.replace("    x = 1\n", "", 1))) == []


def test_nothing_is_left_unfinished(texts: dict[str, str]) -> None:
    assert [name for name, text in texts.items() if UNFINISHED.search(text)] == []


def test_no_file_names_the_host_of_a_package_registry(texts: dict[str, str]) -> None:
    assert [name for name, text in texts.items() if REGISTRIES.search(text)] == []


def test_every_router_of_a_service_reads_bodies_with_the_strict_parser(texts: dict[str, str]) -> None:
    """A router without a class of ours would take JSON that kills."""
    loose = []
    for name, text in texts.items():
        if re.match(r"services/\w+/src/.*\.py", name):
            for call in ast.walk(ast.parse(text)):
                if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("APIRouter"):
                    classes = [ast.unparse(word.value) for word in call.keywords if word.arg == "route_class"]
                    if not classes or not classes[0].endswith("JsonRoute"):
                        loose.append(f"{name}:{call.lineno}")
    assert loose == []


def test_imports_point_the_way_they_may(root: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
