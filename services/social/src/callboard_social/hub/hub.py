"""The hub: every member and every channel of this node. It never waits for a client."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from callboard_contracts import close_codes
from callboard_contracts.channels import Channel
from callboard_contracts.events import BusEvent, EventType
from callboard_contracts.keys import channel_key
from callboard_contracts.positions import Position
from callboard_contracts.revocations import Revocation
from callboard_servicekit.revocations import concerns

from callboard_social.bus import Bus
from callboard_social.hub.channel import LiveChannel, Order, Sent
from callboard_social.hub.feed import Feed
from callboard_social.hub.member import Dialect, Member
from callboard_social.metrics import Heard, SocialMetrics
from callboard_social.wire.protocol import Frame

RESET = "reset"
ASKED_AT_ONCE = 16
"""Channels whose positions are asked for together when the bus is back; nobody is let in before all are known."""

log = structlog.get_logger(__name__)

Welcome = Callable[[list[tuple[Channel, Position]]], Frame | None]
"""Makes the frame that tells a joiner where its channels stand, if its dialect tells that."""


class Watcher(Protocol):
    """Is told who comes, goes, joins and leaves, in the order in which it happens; it must not wait."""

    def came(self, member: Member) -> None: ...

    def went(self, member: Member, *, is_clean: bool) -> None:
        """`is_clean`: its client said that it goes; otherwise it may be back in a moment."""
        ...

    def entered(self, member: Member, channel: Channel) -> None: ...

    def left(self, member: Member, channel: Channel, *, is_clean: bool) -> None: ...

    def heard(self, organization_id: str, channel: Channel, event: BusEvent) -> None:
        """An event that is in the lanes of a channel's members, or that nodes tell each other about it."""
        ...

    def missed(self, organization_id: str, channel: Channel) -> None:
        """Something may have happened in the channel that was not heard."""
        ...


class Hub:
    """Brings events from the bus to members.

    Every member of a channel receives each of its events once, in the order of their positions, from the position it
    was told when it joined. When the bus was lost meanwhile, a ``reset`` says so; nothing is skipped in silence.
    """

    def __init__(self, bus: Bus, metrics: SocialMetrics) -> None:
        self._bus = bus
        self._metrics = metrics
        self._channels: dict[str, LiveChannel] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._members: dict[Member, None] = {}
        self._watchers: list[Watcher] = []
        # A feed lives as long as somebody of its organisation is here, or something is on its way.
        self._feeds: WeakValueDictionary[str, Feed] = WeakValueDictionary()

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` from now on."""
        self._watchers.append(watcher)

    def register(self, member: Member) -> None:
        """Count the member among those that a revocation reaches."""
        member.feed = self._feed_of(member.identity.organization_id)
        member.connection.follow(member)
        self._members[member] = None
        self._metrics.connections[member.dialect.name].inc()
        for watcher in self._watchers:
            watcher.came(member)

    @property
    def members(self) -> Sequence[Member]:
        """Everybody, whatever they hear."""
        return list(self._members)

    @property
    def channel_count(self) -> int:
        return len(self._channels)

    @property
    def subscription_count(self) -> int:
        """Over all members; walks through them."""
        return sum(len(member.joined) for member in self._members)

    def members_of(self, organization_id: str, channel: Channel) -> Mapping[Dialect, Mapping[str, Member]]:
        """The members of a channel by dialect and by connection; not to be kept."""
        live = self._channels.get(channel_key(organization_id, channel))
        return {} if live is None else live.members

    def advance(self, organization_id: str, channel: Channel) -> Position:
        """The next position of a channel whose events this node makes itself; it has members."""
        return self._channels[channel_key(organization_id, channel)].advance()

    async def join(self, member: Member, channels: Sequence[Channel], welcome: Welcome) -> None:
        """Join channels of the member's own organisation; `welcome` is in its lane before any of their events.

        A member that is over meanwhile joins nothing.

        Raises:
            Unavailable: the bus cannot be heard, or Redis does not answer; nothing was joined.
        """
        keys = [channel_key(member.identity.organization_id, channel) for channel in channels]
        for key, channel in zip(keys, channels, strict=True):
            self._live(key, member.identity.organization_id, channel).waiting += 1
        try:
            for key in keys:
                await self._open(key)
            self._enter(member, [self._channels[key] for key in keys], welcome)
        finally:
            for key in keys:
                self._channels[key].waiting -= 1
                self._close_if_idle(key)

    def _live(self, key: str, organization_id: str, channel: Channel) -> LiveChannel:
        live = self._channels.get(key)
        if live is None:
            live = self._channels[key] = LiveChannel(organization_id, channel, self._feed_of(organization_id))
        return live

    def _feed_of(self, organization_id: str) -> Feed:
        feed = self._feeds.get(organization_id)
        if feed is None:
            feed = self._feeds[organization_id] = Feed(self._metrics.written)
        return feed

    def _enter(self, member: Member, joined: list[LiveChannel], welcome: Welcome) -> None:
        if member not in self._members:
            return  # it is over: revoked, while it waited
        places = []
        for live in joined:
            assert live.position is not None  # noqa: S101 - an open channel has one
            places.append((live.channel, live.position))
        news = [live for live in joined if live.channel not in member.joined]
        for live in joined:
            live.add(member)
        frame = welcome(places)
        if frame is not None:
            self._metrics.outbound(frame)
            member.connection.enqueue(frame)
        for live in news:
            for watcher in self._watchers:
                watcher.entered(member, live.channel)

    def leave(self, member: Member, channel: Channel, *, is_clean: bool = True) -> None:
        key = channel_key(member.identity.organization_id, channel)
        live = self._channels.get(key)
        if live is None or channel not in member.joined:
            return
        live.remove(member)
        self._close_if_idle(key)
        for watcher in self._watchers:
            watcher.left(member, channel, is_clean=is_clean)

    def unregister(self, member: Member, *, is_clean: bool) -> None:
        """Leave everything; the connection is over. `is_clean`: its client said so."""
        if member not in self._members:
            return
        del self._members[member]
        self._metrics.connections[member.dialect.name].dec()
        member.connection.follow(None)
        member.feed = None
        for channel in member.joined:
            self.leave(member, channel, is_clean=is_clean)
        for watcher in self._watchers:
            watcher.went(member, is_clean=is_clean)

    async def _open(self, key: str) -> None:
        """Wait until the channel is heard and its position known; joiners share one opening."""
        if self._channels[key].is_open:
            return
        opening = self._opening.get(key)
        if opening is None:
            opening = self._opening[key] = asyncio.create_task(self._listen(key))
            opening.add_done_callback(lambda task: self._opened(key, task))
        await asyncio.shield(opening)

    def _opened(self, key: str, task: asyncio.Task[None]) -> None:
        del self._opening[key]
        if not task.cancelled():
            task.exception()  # taken here: those who wait for it may be gone
        self._close_if_idle(key)

    async def _listen(self, key: str) -> None:
        # Confirmed first, then asked where it stands: an event between the two is in the answer or comes live.
        await self._bus.subscribe(key)
        position = await self._bus.position(key)
        live = self._channels.get(key)
        if live is not None:
            live.open_at(position)

    def _close_if_idle(self, key: str) -> None:
        live = self._channels.get(key)
        # While it opens it stays: to unsubscribe now would undo the subscription that a next joiner shares.
        if live is not None and live.is_idle and key not in self._opening:
            del self._channels[key]
            self._bus.unsubscribe(key)

    def heard(self, key: str, event: BusEvent) -> None:
        """The bus heard an event."""
        live = self._channels.get(key)
        if live is None:
            return
        if event.type == EventType.PRESENCE_CHANGED:
            self._tell_watchers(live, event)
            return
        heard_at = time.perf_counter()
        order, sent = live.deliver(event)
        if order is Order.SEEN:
            return
        self._count(sent)
        if sent:
            live.feed.note(Heard(event.type, event.at, heard_at))
        if order is Order.GAP:
            self._missed(live)
        self._tell_watchers(live, event)

    def _tell_watchers(self, live: LiveChannel, event: BusEvent) -> None:
        for watcher in self._watchers:
            watcher.heard(live.organization_id, live.channel, event)

    def _missed(self, live: LiveChannel) -> None:
        for watcher in self._watchers:
            watcher.missed(live.organization_id, live.channel)

    def _count(self, sent: Sequence[Sent]) -> None:
        for frame, receivers in sent:
            self._metrics.outbound(frame, receivers)
        if any(frame.kind == RESET for frame, _ in sent):
            self._metrics.resets.inc()

    def bus_lost(self) -> None:
        self._metrics.bus_losses.inc()
        self._tell_all(is_back=False)

    async def bus_back(self) -> None:
        """The bus is heard again: channels that moved on meanwhile are reset, then everybody is told."""
        keys = list(self._channels)
        for start in range(0, len(keys), ASKED_AT_ONCE):
            asked = keys[start : start + ASKED_AT_ONCE]
            for key, position in zip(asked, await asyncio.gather(*map(self._bus.position, asked)), strict=True):
                self._catch_up(key, position)
        self._tell_all(is_back=True)

    def _catch_up(self, key: str, position: Position) -> None:
        live = self._channels.get(key)
        if live is None:
            return  # its last member left meanwhile
        if live.is_open and live.is_behind(position):
            self._count(live.reset(position))
        self._missed(live)

    def _tell_all(self, *, is_back: bool) -> None:
        for member in self._members:
            frame = member.dialect.bus(is_back=is_back)
            if frame is not None:
                self._metrics.outbound(frame)
                member.connection.enqueue(frame)

    def revoke(self, revocation: Revocation) -> None:
        """Close every socket that the revocation concerns; they hear nothing more, however slowly they read."""
        for member in [member for member in self._members if concerns(revocation, member.identity)]:
            log.info("connection_revoked", connection=member.connection.id, session=member.identity.session_id)
            member.connection.drop(close_codes.SESSION_REVOKED)
            self.unregister(member, is_clean=True)
