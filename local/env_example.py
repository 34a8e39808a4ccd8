"""``.env.example``, made from the settings classes of the services. ``python -m local.env_example`` writes it anew."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from callboard_servicekit.configuration.service import Variable, installed_services, variables_of
from callboard_servicekit.configuration.sources import written
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[1]
EXAMPLE_FILE = ROOT / ".env.example"
WIDTH = 110
HEAD = """\
# Every variable that the services read. Copy it to .env and change what you need: a line that is commented out shows
# the default, an empty one has none and must be given. `make env` makes the secrets.
"""


def default_of(field: FieldInfo) -> str:
    """The default as it would be written in the file; empty when there is none."""
    return "" if field.is_required() or field.default is None else written(field.default)


def _lines(services: Sequence[str], variables: Iterable[Variable]) -> Iterator[str]:
    yield f"# ---- {', '.join(services)}"
    for variable in variables:
        field = variable.field
        yield ""
        yield from textwrap.wrap(field.description or "", WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"{'' if field.is_required() else '#'}{variable.name}={default_of(field)}"


def render() -> str:
    """The whole file."""
    services, _ = installed_services()
    sections = groupby(variables_of(services), key=lambda variable: variable.services)
    return "\n".join([HEAD, *("\n".join(_lines(readers, variables)) + "\n" for readers, variables in sections)])


if __name__ == "__main__":
    EXAMPLE_FILE.write_text(render(), encoding="utf-8")
