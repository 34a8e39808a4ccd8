"""A hub with rosters on it, and the lists as Redis would have them."""

from datetime import timedelta
from typing import cast

from callboard_contracts.channels import PRESENCE, Channel
from callboard_contracts.events import BusEvent
from callboard_contracts.keys import parse_channel_key
from callboard_contracts.positions import Position
from callboard_servicekit.telemetry import Telemetry
from callboard_social.bus import Bus
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.metrics import SocialMetrics
from callboard_social.presence.entry import Scope
from callboard_social.presence.register import Reading
from callboard_social.presence.roster import MEMBERS_IN_A_ROW, Due, Rosters

from .presence_witness import Witness

REREAD_SECONDS = 15.0
ROOM = Channel.room("lobby")


class QuietBus:
    """Confirms at once; nothing is heard on it."""

    async def subscribe(self, key: str) -> None:
        parse_channel_key(key)

    def unsubscribe(self, key: str) -> None:
        parse_channel_key(key)

    async def position(self, _key: str) -> Position:
        return Position("e", 0)


class Board:
    """A hub with rosters on it, and the lists as Redis would have them, on a clock that the test moves."""

    def __init__(self, *, members_in_a_row: int = MEMBERS_IN_A_ROW) -> None:
        self.now = 100.0
        self.hub = Hub(cast("Bus", QuietBus()), SocialMetrics(Telemetry()))
        self.rosters = Rosters(
            self.hub,
            SocialMetrics(Telemetry()),
            reread=timedelta(seconds=REREAD_SECONDS),
            members_in_a_row=members_in_a_row,
        )
        self.lists: dict[Scope, dict[str, str]] = {}
        self.seconds_left: float | None = None
        self.hub.watch(self)

    def came(self, member: Member) -> None: ...

    def went(self, member: Member, *, is_clean: bool) -> None: ...

    def heard(self, organization_id: str, channel: Channel, event: BusEvent) -> None: ...

    def missed(self, organization_id: str, channel: Channel) -> None: ...

    def entered(self, member: Member, channel: Channel) -> None:
        if member.dialect.hears_presence(channel):
            self.rosters.enter(member, channel)

    def left(self, member: Member, channel: Channel, *, is_clean: bool) -> None:
        assert is_clean
        if member.dialect.hears_presence(channel):
            self.rosters.leave(member, channel)

    async def join(self, witness: Witness, channel: Channel = PRESENCE) -> Witness:
        self.hub.register(witness.member)
        await self.hub.join(witness.member, [channel], witness.welcome)
        return witness

    def be(self, *user_ids: str, channel: Channel = PRESENCE, org: str = "org-1") -> None:
        """Let these be who is here."""
        self.lists[Scope(org, channel)] = {user_id: f"login of {user_id}" for user_id in user_ids}

    def read(self, due: Due) -> dict[Scope, Reading]:
        scopes = [Scope.of(organization_id, channel) for organization_id, channel in due]
        return {scope: Reading(dict(self.lists.get(scope, {})), self.seconds_left) for scope in scopes}

    async def turn(self) -> int:
        """Read what is due and tell it; gives how many rosters that were."""
        due = self.rosters.take_due(self.now)
        await self.rosters.tell(due, self.read(due), self.now)
        return len(due)

    async def change(self, *user_ids: str) -> None:
        self.be(*user_ids)
        self.rosters.soil_all()
        await self.turn()
