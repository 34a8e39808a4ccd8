"""One execution, as it is stored and as it crosses the wire."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from callboard_contracts import executions as wire

from callboard_producer.executions.lifecycle import State


@dataclass(frozen=True, slots=True)
class Execution:
    """``version`` counts its changes from 1, ``log_chunks`` the chunks of log lines of all its attempts.

    ``last_line`` is the number of the current attempt's last stored line, 0 without one.
    """

    organization_id: str
    task_id: str
    state: State
    version: int
    log_chunks: int
    last_line: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def first(cls, organization_id: str, task_id: str, state: State, now: datetime) -> Self:
        return cls(organization_id, task_id, state, 1, 0, 0, now, now)

    def changed_to(self, state: State, now: datetime) -> Self:
        last_line = self.last_line if state.attempt == self.state.attempt else 0
        return replace(self, state=state, version=self.version + 1, last_line=last_line, updated_at=now)

    def with_lines(self, count: int) -> Self:
        """The same with one more chunk of this many lines in the current attempt."""
        return replace(self, log_chunks=self.log_chunks + 1, last_line=self.last_line + count)

    def to_wire(self) -> dict[str, Any]:
        """The JSON object of a `callboard_contracts.executions.Execution`, the kept fields beside the known ones."""
        known = wire.Execution(
            task_id=self.task_id,
            organization_id=self.organization_id,
            status=self.state.status,
            attempt=self.state.attempt,
            version=self.version,
            start_time=self.state.start_time,
            end_time=self.state.end_time,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )
        return {**known.model_dump(mode="json", by_alias=True), **self.state.fields}
