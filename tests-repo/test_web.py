"""What pages load: the browser client agrees with the contracts, and needs nothing but itself."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from callboard_contracts import close_codes

PRINT_TABLE = """
import { CLOSE_CODES, afterClose } from "./callboard.js";
const codes = Array.from({ length: 5000 - 1000 }, (_, index) => 1000 + index);
console.log(JSON.stringify({ table: CLOSE_CODES, then: codes.map((code) => [code, afterClose(code).then]) }));
"""
IMPORTED = re.compile(r"""(?:\bfrom|\bimport|\bimport\()\s*["']([^"']+)["']""")


@pytest.fixture(scope="module")
def told_by_the_client(root: Path) -> dict[str, Any]:
    node = Path(sys.executable).with_name("node")
    command = [str(node), "--input-type=module", "--eval", PRINT_TABLE]
    printed = subprocess.run(command, cwd=root / "web", check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(printed.stdout)
    return told


@pytest.mark.clause("CLOSE-1")
def test_the_close_codes_of_the_browser_client_are_those_of_the_contracts(told_by_the_client: dict[str, Any]) -> None:
    table = {int(code): (entry["reason"], entry["then"]) for code, entry in told_by_the_client["table"].items()}
    assert table == {entry.code: (entry.reason, entry.then.value) for entry in close_codes.ALL}


def test_the_browser_client_comes_back_after_the_same_closes_as_any_client(told_by_the_client: dict[str, Any]) -> None:
    assert told_by_the_client["then"] == [[code, close_codes.what_next(code).value] for code in range(1000, 5000)]


def without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)


def test_the_browser_client_loads_nothing_but_itself(root: Path) -> None:
    modules = sorted((root / "web").glob("callboard*.js"))
    assert modules
    imported = {module.name: IMPORTED.findall(without_comments(module.read_text())) for module in modules}
    own = {f"./{module.name}" for module in modules}
    assert {name: names for name, names in imported.items() if not own.issuperset(names)} == {}
