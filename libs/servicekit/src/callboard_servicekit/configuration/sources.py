"""Where settings come from: the environment, else a file, else their defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError

from callboard_servicekit.configuration.finding import Finding, refusal
from callboard_servicekit.configuration.masking import MASK, NOT_SET, is_secret, masked
from callboard_servicekit.settings import ServiceSettings

DEFAULT = "default"
ENVIRONMENT = "environment"
_NEEDED = "is needed and has no default"


@dataclass(frozen=True, slots=True)
class Sources:
    """What is set, by name; names are the same in any case, as they are for the services."""

    environment: Mapping[str, str]
    file: Path | None = None
    in_file: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path | None) -> "Sources":
        """The environment of this process, and a file beneath it; raises OSError or ValueError for the file."""
        in_file = dotenv_values(file, encoding="utf-8") if file is not None else {}
        set_in_file = {name.upper(): value for name, value in in_file.items() if value is not None}
        return cls({name.upper(): value for name, value in os.environ.items()}, file, set_in_file)

    def raw(self, name: str) -> str | None:
        """The text that was given for a variable; None when none was."""
        return self.environment.get(name.upper(), self.in_file.get(name.upper()))

    def names(self) -> set[str]:
        return {*self.environment, *self.in_file}

    def origin(self, name: str) -> str:
        if name.upper() in self.environment:
            return ENVIRONMENT
        return self.file.name if self.file is not None and name.upper() in self.in_file else DEFAULT


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One variable: its value as it may be shown, where it comes from, and who reads it."""

    name: str
    value: str
    origin: str
    services: tuple[str, ...]


def shown(field: FieldInfo, sources: Sources) -> str:
    """The value in effect, without what is secret in it."""
    default = "" if field.is_required() or field.default is None else written(field.default)
    text = sources.raw(str(field.alias))
    text = default if text is None else text
    if not text:
        return NOT_SET
    return MASK if is_secret(field) else masked(text)


def written(value: object) -> str:
    """A default as it would be written into the environment."""
    return ",".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def load(settings: type[ServiceSettings], sources: Sources) -> ServiceSettings | list[Finding]:
    """The settings, or everything that is wrong with them at once; no finding repeats a value."""
    try:
        return settings(_env_file=sources.file)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_context=False, include_input=False)
        return [refusal(str(error["loc"][0]), _told(error["type"], error["msg"])) for error in errors]
    except SettingsError as unreadable:
        return [refusal((), str(unreadable))]


def load_without_wrong(settings: type[ServiceSettings], sources: Sources) -> ServiceSettings:
    """The settings, with the default for each value that is wrong; every field of the class must have one."""
    try:
        return settings(_env_file=sources.file)
    except ValidationError as invalid:
        wrong = {error["loc"][0] for error in invalid.errors(include_input=False)}
        defaults = {str(field.alias): field.default for field in settings.model_fields.values() if field.alias in wrong}
        return settings(_env_file=sources.file, **defaults)


def _told(kind: str, message: str) -> str:
    return _NEEDED if kind == "missing" else message.removeprefix("Value error, ")
