"""Whose the people of another system are is said in one way, or social does not start."""

from pathlib import Path

import pytest
from callboard_servicekit.configuration.sources import Sources, load
from callboard_social.settings import SocialSettings

NEEDED = {
    "SOCIAL_TICKET_SECRET": "a-ticket-secret-of-the-tests-0123456789",
    "SOCIAL_DATABASE_URL": "sqlite+aiosqlite:///social.db",
}
PREFIX = "SOCIAL_COOKIE_AUTHORITY_"
URL = {"URL": "https://directus.example/users/me"}


def wrong(tmp_path: Path, given: dict[str, str]) -> list[tuple[str, ...]]:
    """The variables that `callboard check-config` finds wrong."""
    file = tmp_path / "settings.env"
    variables = NEEDED | {PREFIX + name: value for name, value in given.items()}
    file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    loaded = load(SocialSettings, Sources({}, file, variables))
    return [finding.settings for finding in loaded] if isinstance(loaded, list) else []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ORGANIZATION": "org-1"},
        URL | {"ORGANIZATION": "org-1"},
        URL | {"ORGANIZATION_PATH": "data.company.id"},
        URL | {"ORGANIZATION": "org-1", "ORGANIZATION_PATH": "", "ROLE": "member"},
    ],
)
def test_one_way_is_enough(tmp_path: Path, given: dict[str, str]) -> None:
    assert wrong(tmp_path, given) == []


@pytest.mark.parametrize("given", [URL, URL | {"ORGANIZATION": "org-1", "ORGANIZATION_PATH": "data.company.id"}])
def test_no_way_and_two_ways_are_refused(tmp_path: Path, given: dict[str, str]) -> None:
    assert wrong(tmp_path, given) == [(PREFIX + "URL",)]


@pytest.mark.parametrize("organization", ["a b", "a/b", "-a", "x" * 129])
def test_an_organisation_that_is_no_id_is_refused(tmp_path: Path, organization: str) -> None:
    assert wrong(tmp_path, URL | {"ORGANIZATION": organization}) == [(PREFIX + "ORGANIZATION",)]
