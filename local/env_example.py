"""``.env.example``, made from the settings classes of the services. ``python -m local.env_example`` writes it anew."""

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from callboard_servicekit.settings import ServiceSettings
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[1]
EXAMPLE_FILE = ROOT / ".env.example"
WIDTH = 110
HEAD = """\
# Every variable that the services read. Copy it to .env and change what you need: a line that is commented out shows
# the default, an empty one has none and must be given. `make env` makes the secrets.
"""


def settings_classes() -> list[type[ServiceSettings]]:
    """The settings of every service, in the order of their names."""
    modules = [f"{path.parent.name}.settings" for path in sorted(ROOT.glob("services/*/src/*/settings.py"))]
    return [
        found
        for module in modules
        for found in vars(importlib.import_module(module)).values()
        if isinstance(found, type) and issubclass(found, ServiceSettings) and found.__module__ == module
    ]


def sections() -> dict[type[ServiceSettings], dict[str, FieldInfo]]:
    """The fields of each class in `settings_classes` and of the classes they share, each field where it is declared."""
    found: dict[type[ServiceSettings], dict[str, FieldInfo]] = {}
    for settings in settings_classes():
        lineage = [base for base in reversed(settings.__mro__) if issubclass(base, ServiceSettings)]
        for base in lineage:
            own = {name: field for name, field in base.model_fields.items() if name in inspect.get_annotations(base)}
            found.setdefault(base, own)
    # What several services share comes first.
    return dict(sorted(found.items(), key=lambda section: len(_users(section[0])), reverse=True))


def default_of(field: FieldInfo) -> str:
    """The default as it would be written in the file; empty when there is none."""
    return "" if field.is_required() else _written(field.default)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())}s"
    return str(value)


def _lines(settings: type[ServiceSettings], fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield f"# ---- {', '.join(_users(settings))}"
    for field in fields.values():
        yield ""
        yield from textwrap.wrap(field.description or "", WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"{'' if field.is_required() else '#'}{field.alias}={default_of(field)}"


def _users(settings: type[ServiceSettings]) -> list[str]:
    """The services that read these settings."""
    users = [found for found in settings_classes() if issubclass(found, settings)]
    return [user.__module__.partition(".")[0].removeprefix("callboard_") for user in users]


def render() -> str:
    """The whole file."""
    blocks = [HEAD] + ["\n".join(_lines(settings, fields)) + "\n" for settings, fields in sections().items()]
    return "\n".join(blocks)


if __name__ == "__main__":
    EXAMPLE_FILE.write_text(render(), encoding="utf-8")
