"""Every setting of every service, as a page for operators: docs/configuration.md is made by this."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from callboard_servicekit.configuration.service import ServiceConfiguration, Variable, variables_of
from callboard_servicekit.configuration.sources import written

HEAD = """\
# Settings

Made by `callboard settings` from what the services read; a test holds it current. Each is an environment variable. What
has no default must be given, and a secret never has one. A duration is a number of seconds, or one like `10s`, `15m`,
`24h`, `30d`; the parts of a list stand between commas.

`callboard check-config` shows the values in effect and where they come from, and refuses what cannot go well. The
gateway's own variables are in [nginx/README.md](../nginx/README.md).
"""


def render(services: Sequence[ServiceConfiguration]) -> str:
    """The whole page, in Markdown."""
    sections = groupby(variables_of(services), key=lambda variable: variable.services)
    return "\n".join([HEAD, *(line for readers, variables in sections for line in _section(readers, variables))])


def _section(readers: Sequence[str], variables: Iterator[Variable]) -> Iterator[str]:
    yield f"## {', '.join(readers)}\n"
    yield "| variable | default | what it does |"
    yield "|---|---|---|"
    for variable in variables:
        yield f"| `{variable.name}` | {_default(variable)} | {variable.field.description} |"
    yield ""


def _default(variable: Variable) -> str:
    if variable.field.is_required():
        return "**needed**"
    text = "" if variable.field.default is None else written(variable.field.default)
    return f"`{text}`" if text else ""
