"""Secrets are made once; what a person wrote stays as it is."""

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from local.environment import ROOT, SECRETS, complete_environment_file, read_environment_file


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_a_missing_file_is_made_with_every_secret_for_its_owner_alone(env_file: Path) -> None:
    assert complete_environment_file(env_file) == list(SECRETS)
    assert env_file.stat().st_mode & 0o777 == 0o600
    values = read_environment_file(env_file)
    assert values.keys() == SECRETS.keys()
    assert all(len(value) >= 32 for value in values.values())
    assert len(set(values.values())) == len(SECRETS)


def test_completing_twice_changes_nothing(env_file: Path) -> None:
    complete_environment_file(env_file)
    before = env_file.read_bytes()
    assert complete_environment_file(env_file) == []
    assert env_file.read_bytes() == before


def test_what_is_set_stays_and_what_is_empty_is_filled(env_file: Path) -> None:
    written = "# mine\nAUTH_KEY_PASSPHRASE=chosen-by-a-person\nSOCIAL_TICKET_SECRET=\nCORS_ORIGINS=http://a.example"
    env_file.write_text(written, encoding="utf-8")
    assert complete_environment_file(env_file) == [name for name in SECRETS if name != "AUTH_KEY_PASSPHRASE"]
    assert env_file.read_text(encoding="utf-8").startswith(written + "\n")
    values = read_environment_file(env_file)
    assert values["AUTH_KEY_PASSPHRASE"] == "chosen-by-a-person"
    assert values["CORS_ORIGINS"] == "http://a.example"
    assert len(values["SOCIAL_TICKET_SECRET"]) >= 32


def test_a_file_that_others_could_read_is_closed_to_them(env_file: Path) -> None:
    env_file.write_text("", encoding="utf-8")
    env_file.chmod(0o644)
    complete_environment_file(env_file)
    assert env_file.stat().st_mode & 0o777 == 0o600


def test_a_password_can_stand_in_a_url_as_it_is(env_file: Path) -> None:
    complete_environment_file(env_file)
    assert [name for name, value in read_environment_file(env_file).items() if quote(value, safe="") != value] == []


def test_it_needs_the_standard_library_only(tmp_path: Path) -> None:
    """A server with Docker has no packages of Python beside it."""
    copied = shutil.copytree(ROOT / "local", tmp_path / "local", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, '.'); import local.environment as it; it.main()",
    ]
    made = subprocess.run(command, cwd=copied.parent, capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    assert read_environment_file(tmp_path / ".env").keys() == SECRETS.keys()
    assert not [value for value in read_environment_file(tmp_path / ".env").values() if value in made.stdout]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=b", {"A": "b"}),
        ("export A=b", {"A": "b"}),
        ("A = b c ", {"A": "b c"}),
        ('A="b # c"', {"A": "b # c"}),
        ("A='b=c'", {"A": "b=c"}),
        ("A=b=c==", {"A": "b=c=="}),
        ("#A=b", {}),
        ("A=", {}),
        ("A=''", {}),
        ("A", {}),
    ],
)
def test_lines_are_read_as_other_readers_of_such_files_do(env_file: Path, line: str, expected: dict[str, str]) -> None:
    env_file.write_text(line + "\n", encoding="utf-8")
    assert read_environment_file(env_file) == expected
