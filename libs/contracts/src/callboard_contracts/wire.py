"""The two shapes every wire type has: camelCase outside, snake_case inside, and strict about surprises."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """A frozen value that crosses a boundary; JSON names are camelCase, unknown names are ignored.

    Errors never show the input: it may be a password.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, hide_input_in_errors=True)


class RequestModel(WireModel):
    """A body that a client sends; an unknown name is an error, lest a slip be lost in silence."""

    model_config = ConfigDict(extra="forbid")


def format_time(moment: datetime) -> str:
    """UTC, ISO 8601, milliseconds, ``Z``: the one form of a time on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[AwareDatetime, PlainSerializer(format_time, return_type=str, when_used="json")]
"""A moment with its time zone; one without is refused."""

IDENTIFIER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]
"""An id that may stand in a channel name, a path and a Redis key: no separator, no space, at most 128."""
