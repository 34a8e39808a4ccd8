"""What has been found, for people and for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby

from callboard_servicekit.configuration.finding import Finding, Severity
from callboard_servicekit.configuration.sources import EffectiveSetting

_WORDS = {Severity.REFUSAL: "REFUSED", Severity.WARNING: "warning"}


@dataclass(frozen=True, slots=True)
class Report:
    """``unchecked``: what was left out, and why; silence about it would be taken for consent."""

    settings: tuple[EffectiveSetting, ...]
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        return any(finding.severity is Severity.REFUSAL for finding in self.findings)

    def as_json(self) -> str:
        """One object: ``ok``, ``settings``, ``findings``, ``unchecked``."""
        return json.dumps({"ok": not self.is_refused} | asdict(self), indent=2)

    def as_text(self) -> str:
        """Columns, then the findings, then a verdict."""
        return "\n".join([*self._settings(), *self._findings(), self._verdict()])

    def _settings(self) -> Iterator[str]:
        widths = [max((len(part) for part in column), default=0) for column in self._columns()]
        for services, settings in groupby(self.settings, key=lambda setting: setting.services):
            yield ", ".join(services)
            for setting in settings:
                yield f"  {setting.name:<{widths[0]}}  {setting.value:<{widths[1]}}  {setting.origin}".rstrip()
            yield ""

    def _columns(self) -> tuple[list[str], list[str]]:
        return [setting.name for setting in self.settings], [setting.value for setting in self.settings]

    def _findings(self) -> Iterator[str]:
        for finding in self.findings:
            subject = ", ".join(finding.settings)
            yield f"{_WORDS[finding.severity]}  {subject + ': ' if subject else ''}{finding.message}"
        yield from (f"skipped  {left_out}" for left_out in self.unchecked)
        if self.findings or self.unchecked:
            yield ""

    def _verdict(self) -> str:
        refusals = sum(finding.severity is Severity.REFUSAL for finding in self.findings)
        return f"{_count(refusals, 'refusal')}, {_count(len(self.findings) - refusals, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
