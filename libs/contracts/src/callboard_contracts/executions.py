"""Executions, their status and their log lines, as workers post them and browsers see them."""

import json
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from callboard_contracts.wire import Identifier, Moment, RequestModel, WireModel

MAX_LINE_BYTES = 16 * 1024
MAX_LINES_PER_CHUNK = 1_000
MAX_CHUNK_BYTES = 256 * 1024
"""Bound of a chunk's lines as JSON. It becomes one frame for every watcher, once for each channel it watches."""
MAX_KEPT_BYTES = 16 * 1024
"""Bound of the fields that an update carries beyond the known ones, as JSON."""
MAX_ATTEMPT = 1_000_000
MAX_LINE_NUMBER = 2**31 - 1

Attempt = Annotated[int, Field(ge=1, le=MAX_ATTEMPT, strict=True)]
LineNumber = Annotated[int, Field(ge=1, le=MAX_LINE_NUMBER, strict=True)]


class Status(StrEnum):
    """``PENDING -> RUNNING -> PASSED | FAILED | ERROR | CANCELLED``; ``LOST`` is ours alone to give."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PASSED = "PASSED"
    FAILED = "FAILED"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"
    LOST = "LOST"

    @property
    def is_terminal(self) -> bool:
        return self not in {Status.PENDING, Status.RUNNING}


def wire_bytes(line: str) -> int:
    """What a line takes in the body of a chunk, its quotes, escapes and comma included."""
    return len(json.dumps(line, ensure_ascii=False).encode()) + 1


class ExecutionUpdate(WireModel):
    """``POST /executions/update``. Fields beyond the known ones are kept, up to 16 KiB, and shown to everyone."""

    model_config = ConfigDict(extra="allow")

    task_id: Identifier
    organization_id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    status: Status
    attempt: Attempt | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None


class ExecutionCreate(WireModel):
    """``POST /executions``: a new execution, PENDING. Without ``taskId`` one is made."""

    model_config = ConfigDict(extra="allow")

    task_id: Identifier | None = None


class Execution(WireModel):
    """The whole row after a change, which is also the data of ``execution-updated``."""

    model_config = ConfigDict(extra="allow")

    task_id: str
    organization_id: str
    status: Status
    attempt: int
    version: int
    start_time: Moment | None = None
    end_time: Moment | None = None
    created_at: Moment
    updated_at: Moment


class Broadcasted(WireModel):
    """The answer to an update: it is committed, and it is in the ``org`` channel at ``position``."""

    status: str = "broadcasted"
    position: str


class LogChunk(RequestModel):
    """``POST /executions/{taskId}/logs``: lines ``firstLine ...``, counted from 1 within an attempt."""

    attempt: Attempt | None = None
    first_line: LineNumber
    lines: Annotated[list[str], Field(min_length=1, max_length=MAX_LINES_PER_CHUNK)]


class LogAppended(WireModel):
    """The answer to a chunk: every line up to ``lastLine`` of the attempt is stored."""

    attempt: int
    last_line: int
    position: str


class LogPage(WireModel):
    """``GET /executions/{taskId}/logs``. ``nextAfter`` is None at the end; subscribe from ``position``."""

    attempt: int
    first_line: int
    lines: tuple[str, ...]
    position: str
    next_after: int | None


class LogEvent(WireModel):
    """The data of ``execution-log``."""

    task_id: str
    attempt: int
    first_line: int
    lines: tuple[str, ...]


KNOWN_UPDATE_FIELDS = frozenset({"taskId", "organizationId", "status", "attempt", "startTime", "endTime"})
RESERVED_FIELDS = KNOWN_UPDATE_FIELDS | {"version", "createdAt", "updatedAt"}
"""Names a kept field may not take."""


def kept_fields(update: ExecutionUpdate | ExecutionCreate) -> dict[str, Any]:
    """What the body carries beyond the known fields, without the names that are ours."""
    return {name: value for name, value in (update.model_extra or {}).items() if name not in RESERVED_FIELDS}
