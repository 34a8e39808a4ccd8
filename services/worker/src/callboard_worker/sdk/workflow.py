"""What an agent is at, told while it works."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from callboard_contracts.workflows import AgentEventBroadcasted, AgentEventPost, AgentEventType

from callboard_worker.sdk.retry import Timing

Post = Callable[[str, AgentEventPost], Awaitable[AgentEventBroadcasted]]
"""Posts an event of the workflow with this id, until it is acknowledged."""


class Workflow:
    """One workflow of an agent. Its events are told live to who follows it and kept for a day or so, not for ever.

    Each call returns once the event is told, so that events which are awaited one by one come in that order. An event
    has an id and the time of the call: one that had to be sent again is told once, with the time at which it happened.
    ``data`` is any JSON object of at most 16 KiB. Raises InvalidRequest and what every call raises.
    """

    def __init__(self, post: Post, workflow_id: str, timing: Timing) -> None:
        self.workflow_id = workflow_id
        self._post = post
        self._timing = timing

    async def thought(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        """A step of reasoning."""
        return await self.tell(AgentEventType.THOUGHT, data)

    async def tool_call(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        """The agent calls a tool."""
        return await self.tell(AgentEventType.TOOL_CALL, data)

    async def result(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        """What came of it."""
        return await self.tell(AgentEventType.RESULT, data)

    async def error(self, data: Mapping[str, Any]) -> AgentEventBroadcasted:
        """What went wrong."""
        return await self.tell(AgentEventType.ERROR, data)

    async def tell(
        self,
        kind: AgentEventType,
        data: Mapping[str, Any],
        *,
        event_id: str | None = None,
        timestamp: datetime | None = None,
    ) -> AgentEventBroadcasted:
        """An event with an id and a time of the caller's own, for a program that may itself come back after a crash.

        Raises ValueError for a malformed argument, EventConflict when another event of the workflow has the id.
        """
        event = AgentEventPost(
            id=event_id or str(uuid4()),
            type=kind,
            data=dict(data),
            timestamp=timestamp or self._timing.now(),
        )
        return await self._post(self.workflow_id, event)
