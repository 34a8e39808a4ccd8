"""A node without sockets: bus, hub and presence on a real Redis, with times short enough for tests."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from callboard_contracts.channels import PRESENCE, Channel
from callboard_servicekit.errors import Unavailable
from callboard_servicekit.redis_connection import connect
from callboard_servicekit.relay.relay import Relay
from callboard_servicekit.supervision import Supervisor
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
    reread=timedelta(minutes=1),
)
"""A busy machine may stop a test for a second; a node that lives must not look dead then. Lists are read when there is
a reason to, not by chance."""


class Node:
    def __init__(
        self, name: str, redis_url: str, times: PresenceTimes, clock: Callable[[], float], bus_url: str
    ) -> None:
        self.failures: list[Exception] = []
        """What presence has met with Redis."""
        self._presence_redis = connect(redis_url, self.failures.append)
        self._bus_redis = connect(bus_url)
        self._relay = Relay(bus_url, history_length=100, history_age=timedelta(hours=1))
        self.bus = Bus(bus_url, self._bus_redis, self._relay)
        metrics = SocialMetrics(Telemetry())
        self.hub = Hub(self.bus, metrics)
        self.presence = Presence(self._presence_redis, self.hub, metrics, name, times=times, clock=clock)
        self.hub.watch(self.presence)
        self._supervisor = Supervisor(lambda: None)

    async def start(self) -> None:
        self._supervisor.spawn("bus", self.bus.run(self.hub))
        self._supervisor.spawn("presence", self.presence.run())
        await eventually(lambda: self.bus.is_heard)

    async def die(self) -> None:
        """End without a word, as with kill -9; raises when a task had ended by itself."""
        await self._supervisor.check()
        await self._supervisor.stop()
        await self._relay.close()
        await self._bus_redis.aclose()
        await self._presence_redis.aclose()

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

    async def is_listed(self, user_id: str) -> bool:
        """Whether Redis answers, and has the user in the list of its organisation."""
        try:
            return any(user.user_id == user_id for user in await self.presence.who("org-1", PRESENCE))
        except Unavailable:
            return False

    def close(self, witness: Witness) -> None:
        """The client said that it goes."""
        self.hub.unregister(witness.member, is_clean=True)

    def drop(self, witness: Witness) -> None:
        """The connection is gone without a word."""
        self.hub.unregister(witness.member, is_clean=False)


async def sees(witness: Witness, *user_ids: str) -> None:
    """Wait until the witness has these, and nobody else, on its list."""
    await eventually(lambda: set(witness.here) == set(user_ids))


@asynccontextmanager
async def running_node(
    name: str,
    redis_url: str,
    times: PresenceTimes = TIMES,
    *,
    clock: Callable[[], float] = time.monotonic,
    bus_url: str | None = None,
) -> AsyncIterator[Node]:
    """A node; its bus may take another way to Redis than its presence."""
    node = Node(name, redis_url, times, clock, bus_url or redis_url)
    await node.start()
    try:
        yield node
    finally:
        await node.die()
