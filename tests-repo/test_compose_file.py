"""`docker-compose.yml` knows every setting of the services, and has no secret in it."""

import re
from pathlib import Path

import pytest
from callboard_servicekit.settings import ServiceSettings

from local.environment import SECRETS

VARIABLE = re.compile(r"^\s+([A-Z][A-Z0-9_]+):", re.MULTILINE)
FIXED = {f"{service}_{name}" for service in ("AUTH", "SOCIAL", "PRODUCER") for name in ("PORT", "INTERNAL_PORT")}
"""Inside a container nothing else wants the port."""
LEFT_OUT = {"CALLBOARD_JWKS_CACHE"}
"""It would outlive nothing here: the file systems are read-only, and auth starts with the others."""


@pytest.fixture(scope="module")
def compose_file(root: Path) -> str:
    return (root / "docker-compose.yml").read_text()


def test_every_setting_of_a_service_can_be_given_in_the_env_file(
    compose_file: str, settings_classes: list[type[ServiceSettings]]
) -> None:
    known = {str(field.alias) for found in settings_classes for field in found.model_fields.values()}
    assert known - set(VARIABLE.findall(compose_file)) - FIXED - LEFT_OUT == set()


def test_every_secret_is_asked_for_with_a_word_on_what_to_do(compose_file: str) -> None:
    asked = re.findall(r"\$\{([A-Z_]+):\?([^}]*)\}", compose_file)
    assert {name for name, _ in asked} == set(SECRETS)
    assert {text for _, text in asked} == {"run make env first"}
    assert re.findall(rf"\$\{{(?:{'|'.join(SECRETS)})[^:]", compose_file) == []


def test_every_image_from_elsewhere_is_pinned_to_a_release(compose_file: str) -> None:
    images = re.findall(r"^\s+image: (\S+)$", compose_file, re.MULTILINE)
    assert len(images) == 3
    assert [image for image in images if not re.fullmatch(r"[a-z]+:\d+\.\d+(?:\.\d+)?-bookworm", image)] == []
