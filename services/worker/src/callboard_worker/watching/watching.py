"""What ``callboard watch`` follows: the organisation's updates, and logs."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Protocol

from callboard_contracts.channels import LOGS, Channel
from callboard_contracts.events import Event, EventType
from callboard_contracts.executions import LogEvent
from callboard_contracts.native import Reset, Subscribed

from callboard_worker.sdk.client import CallboardClient
from callboard_worker.sdk.stream import Resumed, StreamItem
from callboard_worker.watching.log_follower import Lines, LogFollower

LOGS_CHANNEL = str(LOGS)
MAX_FOLLOWED = 256
"""Logs whose last line is remembered; of the one that was silent longest it is forgotten."""


class Display(Protocol):
    """Shows what is followed, while somebody looks."""

    @property
    def is_open(self) -> bool: ...

    async def item(self, item: StreamItem) -> None: ...

    async def lines(self, task_id: str, lines: Lines) -> None: ...


class Watching:
    """Ends when nobody looks any more, or by an error; see `stream.EventStream`."""

    def __init__(self, client: CallboardClient, display: Display, task_id: str | None, *, all_logs: bool) -> None:
        self._client = client
        self._display = display
        self._task_id = task_id
        self._followers: OrderedDict[str, LogFollower] = OrderedDict()
        self._channels = [LOGS_CHANNEL] if all_logs else []
        if task_id is not None:
            self._channels.append(str(Channel.execution(task_id)))
            self._followers[task_id] = LogFollower(client, task_id)

    async def follow(self) -> None:
        async with self._client.events(self._channels) as stream:
            async for item in stream:
                await self._display.item(item)
                await self._take(item)
                if not self._display.is_open:
                    return

    async def _take(self, item: StreamItem) -> None:
        match item:
            case Event(type=EventType.EXECUTION_LOG):
                await self._take_log(item)
            case Subscribed() if item.channel != LOGS_CHANNEL:
                await self._catch_up({item.channel})
            case Reset():
                await self._catch_up({item.channel})
            case Resumed():
                await self._catch_up(set(item.missed))
            case _:
                pass

    async def _take_log(self, event: Event) -> None:
        try:
            log = LogEvent.model_validate(event.data)
        except ValueError:
            return
        follower = self._followers.get(log.task_id)
        if follower is None:
            follower = LogFollower(self._client, log.task_id)
            follower.begin_at(log)
            self._followers[log.task_id] = follower
        self._followers.move_to_end(log.task_id)
        await self._show(follower.task_id, follower.take(log))
        self._forget_the_oldest()

    async def _catch_up(self, channels: set[str]) -> None:
        """Read what is stored of the logs that these channels carry."""
        for follower in [*self._followers.values()]:
            if not channels.isdisjoint({LOGS_CHANNEL, str(Channel.execution(follower.task_id))}):
                await self._show(follower.task_id, follower.catch_up())

    async def _show(self, task_id: str, chunks: AsyncIterator[Lines]) -> None:
        async for lines in chunks:
            await self._display.lines(task_id, lines)

    def _forget_the_oldest(self) -> None:
        if len(self._followers) > MAX_FOLLOWED:
            oldest = next(task_id for task_id in self._followers if task_id != self._task_id)
            del self._followers[oldest]
