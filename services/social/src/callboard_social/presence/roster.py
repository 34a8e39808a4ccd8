"""Who is in the channels that have members here who want to know, and what those members were told."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from callboard_contracts.channels import Channel, ChannelKind
from callboard_contracts.positions import Position

from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member, PresenceChange
from callboard_social.metrics import SocialMetrics
from callboard_social.presence.announcement import Announcement
from callboard_social.presence.entry import Scope
from callboard_social.presence.register import Reading

NO_POSITION = Position("0", 0)
"""In a room's channel, whose own positions count what is said there."""
AT_ONCE = -math.inf
MEMBERS_IN_A_ROW = 256
"""Then whoever else waits has a turn: when thousands come at once, each costs some 60 microseconds."""

Place = tuple[str, Channel]
"""An organisation and one of its channels."""


class Roster:
    """Who is in one channel, as its members were told. `due_at` is when the list has to be read again.

    Newcomers have been told nothing yet.
    """

    __slots__ = ("due_at", "listeners", "newcomers", "told")

    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        self.listeners = 0
        self.newcomers: dict[Member, None] = {}
        self.due_at = AT_ONCE

    def learn(self, present: Mapping[str, str], *, keeps: bool) -> list[PresenceChange]:
        """Take over who is here; gives the difference. `keeps`: nobody has left, whatever the list says."""
        here = {**self.told, **present} if keeps else dict(present)
        changes = [
            PresenceChange(user, login, is_online=False) for user, login in self.told.items() if user not in here
        ]
        changes += [
            PresenceChange(user, login, is_online=True) for user, login in here.items() if user not in self.told
        ]
        self.told = here
        return changes

    def all_online(self) -> list[PresenceChange]:
        return [PresenceChange(user, login, is_online=True) for user, login in self.told.items()]


Due = dict[Place, Roster]


class Rosters:
    """The rosters of this node.

    A member is told everyone who is in the channel, then every difference once; never of its own user.
    """

    def __init__(
        self, hub: Hub, metrics: SocialMetrics, *, reread: timedelta, members_in_a_row: int = MEMBERS_IN_A_ROW
    ) -> None:
        self._members_in_a_row = members_in_a_row
        self._hub = hub
        self._metrics = metrics
        self._reread = reread.total_seconds()
        self._rosters: dict[Place, Roster] = {}
        self._kept_until = AT_ONCE

    @property
    def due_at(self) -> float:
        """When the first of them has to be read again."""
        return min((roster.due_at for roster in self._rosters.values()), default=math.inf)

    def enter(self, member: Member, channel: Channel) -> None:
        """A member wants to know who is in the channel."""
        roster = self._rosters.setdefault((member.identity.organization_id, channel), Roster())
        roster.listeners += 1
        roster.newcomers[member] = None
        roster.due_at = AT_ONCE

    def leave(self, member: Member, channel: Channel) -> None:
        place = (member.identity.organization_id, channel)
        roster = self._rosters[place]
        roster.listeners -= 1
        roster.newcomers.pop(member, None)
        if not roster.listeners:
            del self._rosters[place]

    def soil(self, organization_id: str, channel: Channel) -> None:
        """Who is in the channel may have changed."""
        roster = self._rosters.get((organization_id, channel))
        if roster is not None:
            roster.due_at = AT_ONCE

    def soil_all(self) -> None:
        for roster in self._rosters.values():
            roster.due_at = AT_ONCE

    def keep_until(self, moment: float) -> None:
        """Redis may have lost entries: until then nobody has left, and their nodes write them anew."""
        self._kept_until = moment

    def take_due(self, now: float) -> Due:
        """Those that have to be read now; to be followed by `tell`, or by `soil_all` when reading failed."""
        due = {place: roster for place, roster in self._rosters.items() if roster.due_at <= now}
        for roster in due.values():
            roster.due_at = math.inf  # what is heard while it is read makes it due again
        return due

    async def tell(self, due: Due, readings: Mapping[Scope, Reading], now: float) -> None:
        """Tell members what has changed since they were told, and newcomers everything; one call at a time."""
        for place, roster in due.items():
            reading = readings[Scope.of(*place)]
            self._schedule(roster, reading, now)
            changes = roster.learn(reading.present, keeps=now < self._kept_until)
            newcomers, roster.newcomers = roster.newcomers, {}
            if changes:
                await self._announce(place, roster, changes, self._told(place, newcomers))
            if newcomers:
                await self._announce(place, roster, roster.all_online(), list(newcomers))

    def _schedule(self, roster: Roster, reading: Reading, now: float) -> None:
        again = [now + self._reread, roster.due_at]
        if reading.seconds_left is not None:
            again.append(now + max(0.0, reading.seconds_left))
        if now < self._kept_until:
            again.append(self._kept_until)
        roster.due_at = min(again)

    def _told(self, place: Place, newcomers: Mapping[Member, None]) -> list[Member]:
        """The members that know what was told before."""
        organization_id, channel = place
        return [
            member
            for dialect, members in self._hub.members_of(organization_id, channel).items()
            if dialect.hears_presence(channel)
            for member in members.values()
            if member not in newcomers
        ]

    async def _announce(
        self, place: Place, roster: Roster, changes: Sequence[PresenceChange], members: Sequence[Member]
    ) -> None:
        for start in range(0, len(members), self._members_in_a_row):
            # Encoded anew after each pause: a member that subscribes again during it is given the position of then, and
            # takes only what comes after.
            announcement = Announcement(place[1], changes, lambda: self._next_position(place))
            for member in members[start : start + self._members_in_a_row]:
                if self._is_addressed(member, place, roster):
                    announcement.tell(member)
            for frame, receivers in announcement.sent.items():
                self._metrics.outbound(frame, receivers)
            await asyncio.sleep(0)

    def _is_addressed(self, member: Member, place: Place, roster: Roster) -> bool:
        """False when the member has left since, even when it is back: then it is a newcomer, maybe in a new roster."""
        is_current = self._rosters.get(place) is roster
        return is_current and place[1] in member.joined and member not in roster.newcomers

    def _next_position(self, place: Place) -> Position:
        organization_id, channel = place
        return self._hub.advance(organization_id, channel) if channel.kind is ChannelKind.PRESENCE else NO_POSITION
