"""docs/configuration.md is what the services read, and packages announce what `check-config` needs."""

import importlib
from pathlib import Path
from typing import Any

from callboard_auth.configuration import describe as auth
from callboard_producer.configuration import describe as producer
from callboard_servicekit.configuration.reference import render
from callboard_servicekit.configuration.service import GROUP, ServiceConfiguration
from callboard_servicekit.settings import ServiceSettings
from callboard_social.configuration import describe as social


def test_the_page_is_the_one_that_is_made_from_the_settings(root: Path) -> None:
    """`.venv/bin/callboard settings > docs/configuration.md` writes it."""
    assert (root / "docs/configuration.md").read_text() == render([auth(), producer(), social()])


def test_every_service_with_settings_announces_them(
    projects: dict[Path, dict[str, Any]], settings_classes: list[type[ServiceSettings]]
) -> None:
    announced = [
        (name, target)
        for project in projects.values()
        for name, target in project.get("project", {}).get("entry-points", {}).get(GROUP, {}).items()
    ]
    described = {}
    for name, target in announced:
        module, _, function = target.partition(":")
        service = getattr(importlib.import_module(module), function)()
        assert isinstance(service, ServiceConfiguration)
        described[name] = service
    assert {service.settings for service in described.values()} == set(settings_classes)
    assert all(name == service.name for name, service in described.items())


def test_a_service_with_a_database_names_its_variable() -> None:
    for service in (auth(), producer(), social()):
        aliases = {field.alias for field in service.settings.model_fields.values()}
        stored = {alias for alias in aliases if str(alias).endswith("DATABASE_URL")}
        assert stored == ({service.database.variable} if service.database else set())
