"""What members are told: everyone once, then every difference once, never of themselves, in few frames."""

import asyncio
import math
from datetime import timedelta
from typing import cast

from callboard_contracts.channels import GENERAL, PRESENCE, Channel
from callboard_contracts.events import BusEvent
from callboard_contracts.keys import parse_channel_key
from callboard_contracts.positions import Position
from callboard_servicekit.telemetry import Telemetry
from callboard_social.bus import Bus
from callboard_social.hub.channel import Member
from callboard_social.hub.hub import Hub
from callboard_social.metrics import SocialMetrics
from callboard_social.presence.announcement import SMALL
from callboard_social.presence.entry import Scope
from callboard_social.presence.register import Reading
from callboard_social.presence.roster import Due, Rosters
from hypothesis import given
from hypothesis import strategies as st

from .presence_witness import ROOMS, Witness

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

    def __init__(self) -> None:
        self.now = 100.0
        self.hub = Hub(cast("Bus", QuietBus()), SocialMetrics(Telemetry()))
        self.rosters = Rosters(self.hub, SocialMetrics(Telemetry()), reread=timedelta(seconds=REREAD_SECONDS))
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

    def turn(self) -> int:
        """Read what is due and tell it; gives how many rosters that were."""
        due = self.rosters.take_due(self.now)
        self.rosters.tell(due, self.read(due), self.now)
        return len(due)

    def change(self, *user_ids: str) -> None:
        self.be(*user_ids)
        self.rosters.soil_all()
        self.turn()


async def test_a_newcomer_is_told_everyone_but_itself_and_then_only_differences() -> None:
    board = Board()
    board.be("ada", "bob", "eve")
    ada = await board.join(Witness("ada"))
    assert ada.frames == []
    board.turn()
    assert ada.here == {"bob": "login of bob", "eve": "login of eve"}
    board.change("ada", "bob", "zoe")
    assert ada.history[2:] == [("eve", "offline"), ("zoe", "online")]
    assert [frame["position"] for frame in ada.frames] == ["e:1", "e:2"]


async def test_who_is_alone_is_told_nothing() -> None:
    board = Board()
    board.be("ada")
    ada = await board.join(Witness("ada"))
    board.turn()
    assert ada.frames == []


async def test_a_later_newcomer_is_told_what_the_others_know_and_they_are_told_nothing_again() -> None:
    board = Board()
    board.be("ada", "bob")
    ada = await board.join(Witness("ada"))
    board.turn()
    bob = await board.join(Witness("bob"))
    board.turn()
    assert bob.history == [("ada", "online")]
    assert ada.history == [("bob", "online")]


async def test_frames_are_shared_by_all_whose_own_user_is_not_among_the_changes() -> None:
    board = Board()
    witnesses = [await board.join(Witness(f"user-{number}")) for number in range(5)]
    board.turn()
    board.change("somebody")
    assert {str(witness.frames) for witness in witnesses} == {str(witnesses[0].frames)}
    assert witnesses[0].history == [("somebody", "online")]


async def test_hundreds_who_come_at_once_are_told_of_each_other_in_few_frames() -> None:
    board = Board()
    users = [f"user-{number}" for number in range(500)]
    spectator = await board.join(Witness("spectator"))
    witnesses = [await board.join(Witness(user)) for user in users]
    board.turn()
    board.change(*users)
    assert len(spectator.frames) == 1
    for witness in witnesses:
        assert len(witness.here) == len(users) - 1
        assert len(witness.frames) <= math.ceil(math.log2(len(users)))
    # Every frame takes a position of its own when it is encoded: each shared part once, and a small rest for each user.
    encoded = max(int(witness.frames[-1]["position"].split(":")[1]) for witness in witnesses)
    assert encoded < 2 * len(users)


async def test_a_newcomer_among_few_is_told_of_them_in_one_frame() -> None:
    board = Board()
    board.be(*(f"user-{number}" for number in range(SMALL)))
    witness = await board.join(Witness("user-3"))
    board.turn()
    assert len(witness.frames) == 1
    assert len(witness.here) == SMALL - 1


async def test_in_a_room_nobodys_position_is_touched() -> None:
    board = Board()
    ada = await board.join(Witness("ada", dialect=ROOMS), ROOM)
    board.be("ada", "bob", channel=ROOM)
    board.turn()
    assert ada.here == {"bob": "login of bob"}
    assert ada.frames[0]["position"] == "0:0"


async def test_the_general_room_is_told_the_list_of_the_organisation() -> None:
    board = Board()
    ada = await board.join(Witness("ada", dialect=ROOMS), GENERAL)
    board.be("bob")
    board.turn()
    assert ada.here == {"bob": "login of bob"}


async def test_an_organisation_is_told_its_own_list_only() -> None:
    board = Board()
    ada, other = await board.join(Witness("ada")), await board.join(Witness("ada", org="org-2"))
    board.be("bob", org="org-1")
    board.be("eve", org="org-2")
    assert board.turn() == 2
    assert (set(ada.here), set(other.here)) == ({"bob"}, {"eve"})


async def test_a_dialect_that_does_not_hear_presence_there_is_told_nothing() -> None:
    board = Board()
    board.be("bob", channel=ROOM)
    deaf, hearing = (
        await board.join(Witness("ada"), ROOM),
        await board.join(Witness("zoe", dialect=ROOMS), ROOM),
    )
    board.turn()
    assert deaf.frames == []
    assert set(hearing.here) == {"bob"}


async def test_a_list_is_read_again_when_its_first_entry_runs_out_and_every_fifteen_seconds() -> None:
    board = Board()
    assert board.rosters.due_at == math.inf
    await board.join(Witness("ada"))
    assert board.rosters.due_at < board.now
    board.seconds_left = 60.0
    board.turn()
    assert board.rosters.due_at == board.now + REREAD_SECONDS
    board.rosters.soil("org-1", PRESENCE)
    board.seconds_left = 4.0
    board.turn()
    assert board.rosters.due_at == board.now + 4.0
    assert board.turn() == 0
    board.now += 4.0
    assert board.turn() == 1


async def test_what_is_heard_while_a_list_is_read_makes_it_due_again() -> None:
    board = Board()
    ada = await board.join(Witness("ada"))
    due = board.rosters.take_due(board.now)
    readings = board.read(due)
    board.be("bob")
    board.rosters.soil("org-1", PRESENCE)
    board.rosters.tell(due, readings, board.now)
    assert ada.here == {}
    assert board.turn() == 1
    assert set(ada.here) == {"bob"}


async def test_while_entries_may_be_lost_nobody_is_taken_for_gone() -> None:
    board = Board()
    board.be("bob", "eve")
    ada = await board.join(Witness("ada"))
    board.turn()
    board.rosters.keep_until(board.now + 10.0)
    board.change("eve", "zoe")
    assert ada.history[2:] == [("zoe", "online")]
    assert board.rosters.due_at == board.now + 10.0
    board.now += 10.0
    board.turn()
    assert ada.history[3:] == [("bob", "offline")]


async def test_when_its_last_member_leaves_a_roster_is_forgotten() -> None:
    board = Board()
    ada = await board.join(Witness("ada"))
    board.turn()
    board.hub.unregister(ada.member, is_clean=True)
    assert board.rosters.due_at == math.inf


USERS = ["ada", "bob", "eve"]
CHANNELS = [PRESENCE, GENERAL, ROOM]
STEP = st.one_of(
    st.tuples(
        st.sampled_from(["appear", "vanish", "join", "leave"]), st.sampled_from(USERS), st.sampled_from(CHANNELS)
    ),
    st.tuples(st.sampled_from(["take", "tell", "fail", "keep"]), st.just(""), st.just(PRESENCE)),
)


class Play:
    """Performs steps. The witnesses object when they are told wrongly."""

    def __init__(self) -> None:
        self.board = Board()
        self.witnesses: dict[tuple[str, Channel], Witness] = {}
        self.reading: tuple[Due, dict[Scope, Reading]] | None = None

    async def step(self, action: str, user_id: str, channel: Channel) -> None:
        board = self.board
        present = board.lists.setdefault(Scope.of("org-1", channel), {})
        if action == "appear":
            present[user_id] = f"login of {user_id}"
            self.poke(channel)
        elif action == "vanish":
            present.pop(user_id, None)
            self.poke(channel)
        elif action == "join" and (user_id, channel) not in self.witnesses:
            self.witnesses[user_id, channel] = await board.join(Witness(user_id, dialect=ROOMS), channel)
        elif action == "leave" and (user_id, channel) in self.witnesses:
            board.hub.unregister(self.witnesses.pop((user_id, channel)).member, is_clean=True)
        elif action == "keep":
            board.rosters.keep_until(board.now + 5.0)
        else:
            self.read(action)

    def poke(self, channel: Channel) -> None:
        for heard_in in Scope.of("org-1", channel).heard_in:
            self.board.rosters.soil("org-1", heard_in)

    def read(self, action: str) -> None:
        """A reading takes time: whatever the steps between `take` and `tell` do happens meanwhile."""
        board = self.board
        if action == "take" and self.reading is None:
            board.now += 1.0
            due = board.rosters.take_due(board.now)
            self.reading = due, board.read(due)
        elif action == "tell" and self.reading is not None:
            board.rosters.tell(*self.reading, board.now)
            self.reading = None
        elif action == "fail" and self.reading is not None:
            board.rosters.soil_all()
            self.reading = None

    def finish(self) -> None:
        self.read("tell")
        self.board.now += 5.0
        self.board.turn()

    def check(self) -> None:
        for (user_id, channel), witness in self.witnesses.items():
            present = self.board.lists.get(Scope.of("org-1", channel), {})
            assert witness.here == {other: login for other, login in present.items() if other != user_id}


@given(st.lists(STEP, max_size=50))
def test_whoever_comes_and_goes_in_whatever_order_everyone_ends_with_who_is_here(
    steps: list[tuple[str, str, Channel]],
) -> None:
    async def perform() -> None:
        play = Play()
        for step in steps:
            await play.step(*step)
        play.finish()
        play.check()

    asyncio.run(perform())
