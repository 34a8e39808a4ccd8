"""What a check has to say."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    REFUSAL = "refusal"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """``settings`` are the variables concerned; ``message`` never holds a secret."""

    severity: Severity
    settings: tuple[str, ...]
    message: str


def refusal(settings: str | Iterable[str], message: str) -> Finding:
    """It cannot go well like this."""
    return Finding(Severity.REFUSAL, _names(settings), message)


def warning(settings: str | Iterable[str], message: str) -> Finding:
    """It works, and somebody should know."""
    return Finding(Severity.WARNING, _names(settings), message)


def _names(settings: str | Iterable[str]) -> tuple[str, ...]:
    return (settings,) if isinstance(settings, str) else tuple(settings)
