"""The plain client, for programs without an event loop: the async one, driven through a portal."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from anyio.from_thread import BlockingPortal, start_blocking_portal
from callboard_contracts.accounts import AgentSession
from callboard_contracts.executions import Broadcasted, Execution, LogAppended, LogPage, Status
from callboard_contracts.workflows import AgentEventBroadcasted, AgentEventType

from callboard_worker.sdk.client import CallboardClient, ExecutionPage
from callboard_worker.sdk.execution import ExecutionRun
from callboard_worker.sdk.gateway import GatewayOptions
from callboard_worker.sdk.stream import EventStream, StreamItem
from callboard_worker.sdk.workflow import Workflow


class BlockingRun:
    """A run of one task; see `execution.ExecutionRun`."""

    def __init__(self, portal: BlockingPortal, run: ExecutionRun) -> None:
        self._portal = portal
        self._run = run

    @property
    def task_id(self) -> str:
        return self._run.task_id

    @property
    def attempt(self) -> int | None:
        return self._run.attempt

    def log(self, text: str) -> None:
        self._portal.call(self._run.log, text)

    def finish(self, status: Status, **fields: Any) -> None:
        self._portal.call(partial(self._run.finish, status, **fields))


class BlockingWorkflow:
    """One workflow of an agent; see `workflow.Workflow`."""

    def __init__(self, portal: BlockingPortal, workflow: Workflow) -> None:
        self._portal = portal
        self._workflow = workflow

    @property
    def workflow_id(self) -> str:
        return self._workflow.workflow_id

    def thought(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        return self._portal.call(partial(self._workflow.thought, data))

    def tool_call(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        return self._portal.call(partial(self._workflow.tool_call, data))

    def result(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        return self._portal.call(partial(self._workflow.result, data))

    def error(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        return self._portal.call(partial(self._workflow.error, data))

    def tell(
        self,
        kind: AgentEventType,
        data: Mapping[str, Any],
        *,
        event_id: str | None = None,
        timestamp: datetime | None = None,
    ) -> AgentEventBroadcasted:
        return self._portal.call(partial(self._workflow.tell, kind, data, event_id=event_id, timestamp=timestamp))


class BlockingClient:
    """Context manager with the methods of `CallboardClient`, which says what each does and raises.

    Its event loop runs in a thread of its own from entering to leaving. Safe for concurrent use by threads.
    """

    def __init__(self, url: str, api_token: str, options: GatewayOptions | None = None) -> None:
        self._client = CallboardClient(url, api_token, options)
        self._resources = ExitStack()
        self._open_portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            self._open_portal = resources.enter_context(start_blocking_portal("asyncio"))
            resources.enter_context(self._open_portal.wrap_async_context_manager(self._client))
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_portal = None
        self._resources.__exit__(kind, error, trace)

    def session(self) -> AgentSession:
        return self._portal.call(self._client.session)

    def update(
        self,
        task_id: str,
        status: Status,
        *,
        attempt: int | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        **fields: Any,
    ) -> Broadcasted:
        times = {"start_time": start_time, "end_time": end_time}
        return self._portal.call(partial(self._client.update, task_id, status, attempt=attempt, **times, **fields))

    def create(self, task_id: str | None = None, **fields: Any) -> Execution:
        return self._portal.call(partial(self._client.create, task_id, **fields))

    def get(self, task_id: str) -> Execution:
        return self._portal.call(self._client.get, task_id)

    def list(
        self, *, status: Status | None = None, limit: int | None = None, cursor: str | None = None
    ) -> ExecutionPage:
        return self._portal.call(partial(self._client.list, status=status, limit=limit, cursor=cursor))

    def append_log(
        self, task_id: str, first_line: int, lines: Iterable[str], attempt: int | None = None
    ) -> LogAppended:
        return self._portal.call(self._client.append_log, task_id, first_line, lines, attempt)

    def read_log(self, task_id: str, attempt: int | None = None, after: int = 0, limit: int = 1000) -> LogPage:
        return self._portal.call(self._client.read_log, task_id, attempt, after, limit)

    @contextmanager
    def execution(
        self, task_id: str, *, attempt: int | None = None, start_time: datetime | None = None, **fields: Any
    ) -> Iterator[BlockingRun]:
        run = self._client.execution(task_id, attempt=attempt, start_time=start_time, **fields)
        with self._portal.wrap_async_context_manager(run):
            yield BlockingRun(self._portal, run)

    def workflow(self, workflow_id: str) -> BlockingWorkflow:
        return BlockingWorkflow(self._portal, self._client.workflow(workflow_id))

    @contextmanager
    def events(self, channels: Iterable[str] = ()) -> Iterator[Iterator[StreamItem]]:
        """``with client.events() as events: for event in events: ...``."""
        with self._portal.wrap_async_context_manager(self._client.events(channels)) as stream:
            yield self._items(stream)

    @property
    def _portal(self) -> BlockingPortal:
        if self._open_portal is None:
            raise RuntimeError("the client works inside its with block")
        return self._open_portal

    def _items(self, stream: EventStream) -> Iterator[StreamItem]:
        while True:
            yield self._portal.call(stream.__anext__)
