"""Secrets are made once; what a person wrote stays as it is."""

from pathlib import Path

import pytest

from local.environment import SECRETS, complete_environment_file, read_environment_file


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
    assert complete_environment_file(env_file) == ["SOCIAL_TICKET_SECRET"]
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
