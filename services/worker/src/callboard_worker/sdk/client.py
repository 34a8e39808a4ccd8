"""The client of a worker: status, log lines and events, with an API token and the gateway's address alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
from callboard_contracts.accounts import AgentSession, ConnectToken
from callboard_contracts.executions import (
    RESERVED_FIELDS,
    Broadcasted,
    Execution,
    ExecutionCreate,
    ExecutionUpdate,
    LogAppended,
    LogChunk,
    LogPage,
    Status,
)
from callboard_contracts.wire import IDENTIFIER_PATTERN
from callboard_contracts.workflows import AgentEventBroadcasted, AgentEventPost

from callboard_worker.sdk.credential import Credential
from callboard_worker.sdk.errors import NotAuthenticated, UnexpectedAnswer
from callboard_worker.sdk.execution import ExecutionRun
from callboard_worker.sdk.gateway import Gateway, GatewayOptions, read
from callboard_worker.sdk.stream import EventStream
from callboard_worker.sdk.workflow import Workflow

DEFAULT_URL = "http://localhost:8080"
_EXECUTIONS = "/producer/executions"
_WORKFLOWS = "/producer/workflows"
_CONNECT_TOKEN = "/social/api/socials/connect-token"
_IDENTIFIER = re.compile(IDENTIFIER_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """Executions, newest first. ``position`` is where the ``org`` channel stood; ``cursor`` asks for the next page."""

    executions: tuple[Execution, ...]
    position: str | None
    cursor: str | None


class CallboardClient:
    """Async context manager; safe for concurrent use by the tasks of one event loop.

    Every call is sent until it is acknowledged: network errors, 429, 502, 503 and 504 are tried again with full
    jitter, for as long as ``options.policy.patience`` says (for ever by default), then GatewayUnreachable is raised.
    Other refusals raise `errors.Refused` at once. All calls to the producer are idempotent by their content, so that
    sending one again, here or by the caller, is safe.
    """

    def __init__(self, url: str, api_token: str, options: GatewayOptions | None = None) -> None:
        """Raises ValueError for an address that is none. Nothing is sent before the first call."""
        self._options = options or GatewayOptions()
        self._gateway = Gateway(url, self._options)
        self._credential = Credential(self._gateway, api_token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._gateway.aclose()

    async def session(self) -> AgentSession:
        """Who this client is: its agent and organisation. Raises NotAuthenticated for a token that is not good."""
        return await self._credential.session()

    async def update(
        self,
        task_id: str,
        status: Status,
        *,
        attempt: int | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        **fields: Any,
    ) -> Broadcasted:
        """Post a status; the execution is made if there is none. Idempotent: the same post again changes nothing.

        ``fields`` are kept (up to 16 KiB as JSON) and shown to the organisation. Times carry a time zone.
        Raises ValueError for a malformed argument, AttemptOver when the attempt has finished otherwise.
        """
        session = await self.session()
        known = {"attempt": attempt, "start_time": start_time, "end_time": end_time}
        update = ExecutionUpdate.model_validate(
            _free(fields)
            | {"task_id": task_id, "organization_id": session.organization.id, "status": status}
            | {name: value for name, value in known.items() if value is not None}
        )
        return read(await self._post(f"{_EXECUTIONS}/update", update), Broadcasted)

    async def create(self, task_id: str | None = None, **fields: Any) -> Execution:
        """Make an execution, PENDING. Without ``task_id`` one is made here, so that a resend makes no second one."""
        create = ExecutionCreate.model_validate(_free(fields) | {"task_id": task_id or str(uuid4())})
        return read(await self._post(_EXECUTIONS, create), Execution)

    async def get(self, task_id: str) -> Execution:
        """One execution; raises NotFound."""
        return read(await self._call("GET", _execution_path(task_id)), Execution)

    async def list(
        self, *, status: Status | None = None, limit: int | None = None, cursor: str | None = None
    ) -> ExecutionPage:
        """A page of the organisation's executions, newest first; ``cursor`` is the one of the page before."""
        params: dict[str, str | int] = dict(parse_qsl(cursor)) if cursor else {}
        params |= {} if status is None else {"status": status}
        params |= {} if limit is None else {"limit": limit}
        response = await self._call("GET", _EXECUTIONS, params=params)
        try:
            executions = tuple(Execution.model_validate(row) for row in response.json())
        except (ValueError, TypeError):
            raise UnexpectedAnswer("a list whose body is not one of executions") from None
        # Of the link only its query counts: the bearer token goes to no address that an answer names.
        following = response.links.get("next", {}).get("url")
        return ExecutionPage(
            executions, response.headers.get("x-position"), urlsplit(following).query if following else None
        )

    async def append_log(
        self, task_id: str, first_line: int, lines: Iterable[str], attempt: int | None = None
    ) -> LogAppended:
        """Store lines ``first_line ...`` of an attempt, counted from 1; None is the current attempt. Idempotent.

        At most 1,000 lines, each at most 16 KiB of UTF-8. Raises LineGap (with ``expected_line``), LineConflict when
        another text has the number, AttemptOver.
        """
        chunk = LogChunk(first_line=first_line, lines=[*lines], attempt=attempt)
        return read(await self._post(f"{_execution_path(task_id)}/logs", chunk), LogAppended)

    async def read_log(self, task_id: str, attempt: int | None = None, after: int = 0, limit: int = 1000) -> LogPage:
        """Stored lines after a line number; go on with ``next_after`` until it is None."""
        params: dict[str, str | int] = {"after": after, "limit": limit}
        if attempt is not None:
            params["attempt"] = attempt
        return read(await self._call("GET", f"{_execution_path(task_id)}/logs", params=params), LogPage)

    def execution(
        self, task_id: str, *, attempt: int | None = None, start_time: datetime | None = None, **fields: Any
    ) -> ExecutionRun:
        """A run of one task: ``async with client.execution("nightly") as run: await run.log("...")``."""
        return ExecutionRun(
            self, task_id, self._options.timing, attempt=attempt, start_time=start_time, fields=_free(fields)
        )

    def workflow(self, workflow_id: str) -> Workflow:
        """What an agent is at: ``await client.workflow("w-1").thought({"content": "..."})``.

        Raises ValueError for a malformed id. Nothing is sent.
        """
        if not _IDENTIFIER.fullmatch(workflow_id):
            raise ValueError("a workflow id matches " + IDENTIFIER_PATTERN)
        return Workflow(self._tell, workflow_id, self._options.timing)

    def events(self, channels: Iterable[str] = ()) -> EventStream:
        """The organisation's events, live, and those of further channels.

        Those are ``logs``, ``execution:<taskId>``, ``workflows``, ``workflow:<workflowId>``.

        Iterate it inside ``async with``, so that its socket closes with the block.
        """
        return EventStream(
            self._gateway.url, channels, self._connect_token, self._credential.discard, self._options.timing
        )

    async def _connect_token(self) -> str:
        return read(await self._call("POST", _CONNECT_TOKEN), ConnectToken).token

    async def _tell(self, workflow_id: str, event: AgentEventPost) -> AgentEventBroadcasted:
        return read(await self._post(f"{_WORKFLOWS}/{workflow_id}/events", event), AgentEventBroadcasted)

    async def _post(
        self, path: str, body: ExecutionUpdate | ExecutionCreate | LogChunk | AgentEventPost
    ) -> httpx.Response:
        return await self._call("POST", path, body=body.model_dump(mode="json", by_alias=True, exclude_unset=True))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, str | int] | None = None,
    ) -> httpx.Response:
        token = (await self.session()).token
        try:
            return await self._gateway.call(method, path, bearer=token, body=body, params=params)
        except NotAuthenticated:
            self._credential.discard(token)
        renewed = (await self.session()).token
        return await self._gateway.call(method, path, bearer=renewed, body=body, params=params)


def _execution_path(task_id: str) -> str:
    if not _IDENTIFIER.fullmatch(task_id):
        raise ValueError("a task id matches " + IDENTIFIER_PATTERN)
    return f"{_EXECUTIONS}/{task_id}"


def _free(fields: dict[str, Any]) -> dict[str, Any]:
    taken = fields.keys() & RESERVED_FIELDS
    if taken:
        raise ValueError("these names are Callboard's own: " + ", ".join(sorted(taken)))
    return fields
