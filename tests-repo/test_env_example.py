"""`.env.example` is what the settings classes say, all of it and nothing else."""

import re
from pathlib import Path

import pytest
from callboard_servicekit.settings import ServiceSettings
from pydantic.fields import FieldInfo

from local.env_example import default_of, render


@pytest.fixture
def fields(settings_classes: list[type[ServiceSettings]]) -> list[FieldInfo]:
    return [field for found in settings_classes for field in found.model_fields.values()]


def test_the_file_is_the_one_that_is_made_from_the_settings(root: Path) -> None:
    """`python -m local.env_example` writes it."""
    assert (root / ".env.example").read_text() == render()


def test_every_service_with_settings_is_in_it(root: Path, settings_classes: list[type[ServiceSettings]]) -> None:
    services = {path.parts[-4] for path in root.glob("services/*/src/*/settings.py")}
    assert services >= {"auth", "social", "producer"}
    found = {settings.__module__.split(".")[0].removeprefix("callboard_") for settings in settings_classes}
    assert found == services


def test_every_variable_of_every_service_is_in_it_once(root: Path, fields: list[FieldInfo]) -> None:
    written = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (root / ".env.example").read_text(), re.MULTILINE)
    assert len(written) == len(set(written))
    assert set(written) == {str(field.alias) for field in fields}


def test_every_variable_has_an_alias_in_capitals_and_a_description(fields: list[FieldInfo]) -> None:
    assert [field for field in fields if not re.fullmatch(r"[A-Z][A-Z0-9_]+", field.alias or "")] == []
    assert [field.alias for field in fields if not (field.description or "").endswith(".")] == []


def test_no_secret_has_a_default(fields: list[FieldInfo]) -> None:
    secrets = [field for field in fields if "Secret" in str(field.annotation)]
    assert len({field.alias for field in secrets}) >= 3
    assert [field.alias for field in secrets if default_of(field)] == []


def test_two_services_mean_the_same_by_the_same_name(fields: list[FieldInfo]) -> None:
    told: dict[str, set[str]] = {}
    for field in fields:
        told.setdefault(str(field.alias), set()).add(f"{field.description} {default_of(field)}")
    assert {alias: meanings for alias, meanings in told.items() if len(meanings) > 1} == {}
