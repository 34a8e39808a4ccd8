"""Who is here, across nodes: what this node writes down, and what it tells its members of the rest."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from callboard_contracts.channels import GENERAL, PRESENCE, Channel, ChannelKind
from callboard_contracts.events import BusEvent, EventType
from callboard_servicekit.errors import Unavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError

from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.metrics import SocialMetrics
from callboard_social.presence.attendance import Attendance
from callboard_social.presence.entry import Present, Scope
from callboard_social.presence.register import Instant, Register
from callboard_social.presence.roster import AT_ONCE, Rosters

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PresenceTimes:
    """An entry lives for `life` and is renewed every `refresh`; who dropped, or was drained, has `patience` to be back.

    Changes are gathered for `gather`; a list is read again every `reread` at the latest, whatever was heard of it.
    When a node dies, its users are gone within `life` + `reread`.
    """

    life: timedelta = timedelta(seconds=60)
    refresh: timedelta = timedelta(seconds=27)
    patience: timedelta = timedelta(seconds=15)
    gather: timedelta = timedelta(seconds=1)
    reread: timedelta = timedelta(seconds=15)


class Presence:
    """Watches the hub and keeps the lists in Redis; converges whatever is lost.

    In the organisation is whoever has a member of any dialect on any node; in a room, whoever has one in its channel.
    Nothing that the hub calls waits: `run` does the work, at once when the last time was long enough ago.
    """

    def __init__(
        self,
        redis: Redis,
        hub: Hub,
        metrics: SocialMetrics,
        node: str,
        *,
        times: PresenceTimes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`redis` is made by `redis_connection.connect`; `node` is this process' own, and new each time it starts."""
        self._times = times or PresenceTimes()
        self._node = node
        self._clock = clock
        self._attendance = Attendance(node)
        self._rosters = Rosters(hub, metrics, reread=self._times.reread)
        self._register = Register(redis, node, life=self._times.life, patience=self._times.patience)
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._refresh_at = AT_ONCE
        self._free_at = AT_ONCE
        self._incarnation: str | None = None
        self._is_away = False
        self._has_parted = False

    def came(self, member: Member) -> None:
        self._enter(member, PRESENCE)

    def went(self, member: Member, *, is_clean: bool) -> None:
        self._leave(member, PRESENCE, is_clean=is_clean)

    def entered(self, member: Member, channel: Channel) -> None:
        if _has_own_list(channel):
            self._enter(member, channel)
        if member.dialect.hears_presence(channel):
            self._rosters.enter(member, channel)
            self._wake.set()

    def left(self, member: Member, channel: Channel, *, is_clean: bool) -> None:
        if _has_own_list(channel):
            self._leave(member, channel, is_clean=is_clean)
        if member.dialect.hears_presence(channel):
            self._rosters.leave(member, channel)

    def heard(self, organization_id: str, channel: Channel, event: BusEvent) -> None:
        # What this node wrote it reads by itself, right after it wrote.
        is_own = event.origin is not None and event.origin.connection == self._node
        if event.type == EventType.PRESENCE_CHANGED and not is_own:
            self._rosters.soil(organization_id, channel)
            self._wake.set()

    def missed(self, organization_id: str, channel: Channel) -> None:
        self._rosters.soil(organization_id, channel)
        # Redis may be another one than before, without our entries: look, before the other nodes miss them.
        self._refresh_at = AT_ONCE
        self._wake.set()

    def _enter(self, member: Member, channel: Channel) -> None:
        if not self._has_parted:
            self._attendance.enter(Scope(member.identity.organization_id, channel), member.identity)
            self._wake.set()

    def _leave(self, member: Member, channel: Channel, *, is_clean: bool) -> None:
        if not self._has_parted:
            scope = Scope(member.identity.organization_id, channel)
            self._attendance.leave(scope, member.identity, is_clean=is_clean)
            self._wake.set()

    async def who(self, organization_id: str, channel: Channel) -> list[Present]:
        """Everyone who is in the organisation (`PRESENCE`) or in one of its rooms, by login; raises `Unavailable`."""
        scope = Scope.of(organization_id, channel)
        try:
            readings = await self._register.read(await self._register.now(), [scope])
        except (RedisError, OSError) as error:
            raise Unavailable from error
        present = readings[scope].present
        return [Present(user_id, login) for login, user_id in sorted((login, user) for user, login in present.items())]

    async def run(self) -> None:
        """Write and read for ever. The supervisor cancels it."""
        while True:
            await self._due()
            async with self._writing:
                await self._turn()

    async def part(self) -> None:
        """This node is going down: whoever is still here has `patience` to be on another one."""
        async with self._writing:
            self._has_parted = True
            self._attendance.drop_all()
            try:
                await self._write(await self._register.now(), self._clock())
            except (RedisError, OSError) as error:
                log.warning("presence_part_failed", error=type(error).__name__)

    async def _due(self) -> None:
        """Wait until there is something to do, and then for as long as more of it is gathered."""
        while (wait := self._due_at() - self._clock()) > 0:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wait == math.inf else wait):
                    await self._wake.wait()
        await asyncio.sleep(max(0.0, self._free_at - self._clock()))

    def _due_at(self) -> float:
        if self._attendance.has_changes:
            return AT_ONCE
        return min(self._refresh_at, self._rosters.due_at)

    async def _turn(self) -> None:
        """Write what is new here, then read what may be new anywhere; while Redis is away all stays as it is known."""
        try:
            instant = await self._register.now()
            now = self._clock()
            self._free_at = now + self._times.gather.total_seconds()
            self._recognise(instant, now)
            await self._write(instant, now)
            await self._read(instant, now)
        except (RedisError, OSError) as error:
            self._lose(error)
            self._free_at = self._clock() + self._times.gather.total_seconds()

    def _recognise(self, instant: Instant, now: float) -> None:
        """After an outage, or with a Redis that may have lost data, all that is here is written anew.

        The other nodes do the same, each when it can; until they had time to, nobody is taken for gone.
        """
        is_other = self._incarnation not in {None, instant.incarnation}
        if is_other:
            self._attendance.doubt()
        if is_other or self._is_away:
            log.info("presence_written_anew", is_other_redis=is_other)
            self._rosters.soil_all()
            self._rosters.keep_until(now + self._times.patience.total_seconds())
        self._incarnation = instant.incarnation
        self._is_away = False

    def _lose(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("presence_unwritten", error=type(error).__name__)
        self._is_away = True
        self._attendance.doubt()  # which also has it tried again

    async def _write(self, instant: Instant, now: float) -> None:
        updates = self._attendance.take()
        is_refresh = now >= self._refresh_at
        if is_refresh:
            self._refresh_at = now + self._times.refresh.total_seconds()
        await self._register.write(instant, updates, self._attendance.here() if is_refresh else ())
        self._attendance.settle(updates)
        for update in updates:
            for channel in update.scope.heard_in:
                self._rosters.soil(update.scope.organization_id, channel)

    async def _read(self, instant: Instant, now: float) -> None:
        due = self._rosters.take_due(now)
        if due:
            scopes = {Scope.of(organization_id, channel) for organization_id, channel in due}
            await self._rosters.tell(due, await self._register.read(instant, list(scopes)), now)


def _has_own_list(channel: Channel) -> bool:
    return channel.kind is ChannelKind.ROOM and channel != GENERAL
