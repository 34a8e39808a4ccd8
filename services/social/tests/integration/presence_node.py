"""A node without sockets: bus, hub and presence on a real Redis, with times short enough for tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from callboard_contracts.channels import PRESENCE, Channel
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.telemetry import Telemetry
from callboard_social.bus import Bus
from callboard_social.dialects.native import NativeDialect
from callboard_social.hub.hub import Hub
from callboard_social.metrics import SocialMetrics
from callboard_social.presence.presence import Presence, PresenceTimes
from callboard_testkit.waiting import eventually

from services.social.tests.unit.presence_witness import NATIVE, Witness

TIMES = PresenceTimes(
    life=timedelta(milliseconds=2000),
    refresh=timedelta(milliseconds=300),
    patience=timedelta(milliseconds=600),
    gather=timedelta(milliseconds=50),
    reread=timedelta(milliseconds=400),
)
"""A busy machine may stop a test for a second; a node that lives must not look dead then."""


class Node:
    def __init__(self, name: str, redis_url: str) -> None:
        self.name = name
        self.redis = connect(redis_url)
        self.relay = Relay(redis_url, history_length=100, history_age=timedelta(hours=1))
        self.bus = Bus(redis_url, self.redis, self.relay)
        metrics = SocialMetrics(Telemetry())
        self.hub = Hub(self.bus, metrics)
        self.presence = Presence(self.redis, self.hub, metrics, name, times=TIMES)
        self.hub.watch(self.presence)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self.bus.run(self.hub)), asyncio.create_task(self.presence.run())]
        await eventually(lambda: self.bus.is_heard)

    async def die(self) -> None:
        """End without a word, as with kill -9."""
        for task in self._tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.relay.close()
        await self.redis.aclose()

    async def connect(
        self, user_id: str, *channels: Channel, org: str = "org-1", dialect: NativeDialect = NATIVE
    ) -> Witness:
        """A connection of the user, in these channels or in `PRESENCE`."""
        witness = Witness(user_id, org, dialect)
        self.hub.register(witness.member)
        await self.hub.join(witness.member, channels or [PRESENCE], witness.welcome)
        return witness

    def appear(self, user_id: str, org: str = "org-1") -> Witness:
        """A connection of the user that is in no channel."""
        witness = Witness(user_id, org)
        self.hub.register(witness.member)
        return witness

    def close(self, witness: Witness) -> None:
        """The client said that it goes."""
        self.hub.unregister(witness.member, is_clean=True)

    def drop(self, witness: Witness) -> None:
        """The connection is gone without a word."""
        self.hub.unregister(witness.member, is_clean=False)


@asynccontextmanager
async def running_node(name: str, redis_url: str) -> AsyncIterator[Node]:
    node = Node(name, redis_url)
    await node.start()
    try:
        yield node
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await node.die()
