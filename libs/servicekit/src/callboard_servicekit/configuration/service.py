"""Which services are installed here, and what each says about its settings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from callboard_servicekit.configuration.finding import Finding, refusal
from callboard_servicekit.settings import ServiceSettings

GROUP = "callboard.configuration"
"""Entry points of this group are functions that give a `ServiceConfiguration`; each is named after its service."""

Rule = Callable[[Any], Iterable[Finding]]
"""Given the service's own settings; looks at nothing else."""


@dataclass(frozen=True, slots=True)
class DatabaseConfiguration:
    """The variable that holds the database's URL, and the folder of the Alembic scripts."""

    variable: str
    migrations: Path


@dataclass(frozen=True, slots=True)
class ServiceConfiguration:
    """What can be known of a service before it starts; ``database`` is None for one without."""

    name: str
    settings: type[ServiceSettings]
    rules: tuple[Rule, ...] = ()
    database: DatabaseConfiguration | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable, and the services that read it."""

    name: str
    field: FieldInfo
    services: tuple[str, ...]


def variables_of(services: Sequence[ServiceConfiguration]) -> list[Variable]:
    """Every variable once, those that most services read first."""
    readers: dict[str, list[str]] = {}
    fields: dict[str, FieldInfo] = {}
    for service in services:
        for field in service.settings.model_fields.values():
            readers.setdefault(str(field.alias), []).append(service.name)
            fields[str(field.alias)] = field
    found = [Variable(name, fields[name], tuple(names)) for name, names in readers.items()]
    return sorted(found, key=lambda variable: (-len(variable.services), variable.services))


def installed_services() -> tuple[list[ServiceConfiguration], list[Finding]]:
    """Every installed service by name, and a refusal for each that cannot be read."""
    services, findings = [], []
    # By name: a package that is on the path twice is one service.
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    for _, entry in sorted(entries.items()):
        found = _load(entry)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            services.append(found)
    return services, findings


def _load(entry: EntryPoint) -> ServiceConfiguration | Finding:
    try:
        described = entry.load()()
    except Exception as error:  # noqa: BLE001 - a broken package may raise anything, and the others are to be checked
        return refusal((), f"the installed service {entry.name} cannot be read: {type(error).__name__}: {error}")
    if not isinstance(described, ServiceConfiguration):
        return refusal((), f"the installed service {entry.name} does not describe its settings")
    return described
