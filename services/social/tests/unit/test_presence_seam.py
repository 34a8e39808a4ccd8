"""Whoever joins, leaves or is back while a list is read and told: no gap, and nothing twice."""

import asyncio

from callboard_contracts.channels import GENERAL, PRESENCE, Channel
from callboard_social.presence.entry import Scope
from callboard_social.presence.register import Reading
from callboard_social.presence.roster import Due
from hypothesis import given, settings
from hypothesis import strategies as st

from .presence_board import ROOM, Board
from .presence_witness import ROOMS, Witness


async def test_who_leaves_while_changes_are_told_hears_no_more_and_is_a_newcomer_when_it_is_back() -> None:
    board = Board(members_in_a_row=1)
    witnesses = [await board.join(Witness(user)) for user in ("first", "leaving", "returning", "last")]
    first, leaving, returning, last = witnesses
    await board.turn()
    board.be("ada")
    board.rosters.soil_all()
    telling = asyncio.create_task(board.turn())
    await asyncio.sleep(0)
    assert [len(witness.frames) for witness in witnesses] == [1, 0, 0, 0]
    for witness in (leaving, returning):
        board.hub.leave(witness.member, PRESENCE)
        witness.forget()
    await board.hub.join(returning.member, [PRESENCE], returning.welcome)
    await telling
    assert [len(witness.frames) for witness in witnesses] == [1, 0, 0, 1]
    await board.change("bob")
    assert first.history == last.history == [("ada", "online"), ("ada", "offline"), ("bob", "online")]
    assert returning.history == [("bob", "online")]


async def test_when_all_leave_while_changes_are_told_who_is_back_is_told_everything_once() -> None:
    board = Board(members_in_a_row=1)
    await board.join(Witness("keeps the channel open"), ROOM)
    witnesses = [await board.join(Witness(user, dialect=ROOMS), ROOM) for user in ("first", "last")]
    await board.turn()
    board.be("ada", channel=ROOM)
    board.rosters.soil_all()
    telling = asyncio.create_task(board.turn())
    await asyncio.sleep(0)
    for witness in witnesses:
        board.hub.leave(witness.member, ROOM)
        witness.forget()
    for witness in witnesses:
        await board.hub.join(witness.member, [ROOM], witness.welcome)
    await telling
    await board.turn()
    assert [witness.history[-1] for witness in witnesses] == [("ada", "online")] * 2
    assert [set(witness.here) for witness in witnesses] == [{"ada"}, {"ada"}]


async def test_who_subscribes_again_while_changes_are_told_is_told_them_at_a_position_after_that() -> None:
    board = Board(members_in_a_row=1)
    witnesses = [await board.join(Witness(user)) for user in ("first", "last")]
    await board.turn()
    board.be("ada")
    board.rosters.soil_all()
    telling = asyncio.create_task(board.turn())
    await asyncio.sleep(0)
    await board.hub.join(witnesses[1].member, [PRESENCE], witnesses[1].welcome)
    await telling
    assert [set(witness.here) for witness in witnesses] == [{"ada"}, {"ada"}]


USERS = ["ada", "bob", "eve"]
CHANNELS = [PRESENCE, GENERAL, ROOM]
STEP = st.one_of(
    st.tuples(
        st.sampled_from(["appear", "vanish", "join", "rejoin", "leave", "again"]),
        st.sampled_from(USERS),
        st.sampled_from(CHANNELS),
    ),
    st.tuples(st.sampled_from(["take", "tell", "fail", "keep", "pause"]), st.just(""), st.just(PRESENCE)),
)


class Play:
    """Performs steps, also between a reading and its telling, and while it is told; the witnesses object to errors."""

    def __init__(self) -> None:
        self.board = Board(members_in_a_row=1)
        self.witnesses: dict[tuple[str, Channel], Witness] = {}
        self.reading: tuple[Due, dict[Scope, Reading]] | None = None
        self.telling: asyncio.Task[None] | None = None

    async def step(self, action: str, user_id: str, channel: Channel) -> None:
        if action in {"appear", "vanish"}:
            self.change(action, user_id, channel)
        elif action in {"join", "rejoin", "leave", "again"}:
            await self.move(action, user_id, channel)
        elif action == "keep":
            self.board.rosters.keep_until(self.board.now + 5.0)
        elif action == "pause":
            await asyncio.sleep(0)
        else:
            self.read(action)

    def change(self, action: str, user_id: str, channel: Channel) -> None:
        scope = Scope.of("org-1", channel)
        present = self.board.lists.setdefault(scope, {})
        if action == "appear":
            present[user_id] = f"login of {user_id}"
        else:
            present.pop(user_id, None)
        for heard_in in scope.heard_in:
            self.board.rosters.soil("org-1", heard_in)

    async def move(self, action: str, user_id: str, channel: Channel) -> None:
        """Join; leave and be back at once; leave; or subscribe again without having left."""
        hub, place = self.board.hub, (user_id, channel)
        witness = self.witnesses.get(place)
        if witness is None:
            if action == "join":
                self.witnesses[place] = await self.board.join(Witness(user_id, dialect=ROOMS), channel)
        elif action == "again":
            await hub.join(witness.member, [channel], witness.welcome)
        elif action != "join":
            hub.leave(witness.member, channel)
            witness.forget()
            del self.witnesses[place]
            if action == "rejoin":
                await hub.join(witness.member, [channel], witness.welcome)
                self.witnesses[place] = witness

    def read(self, action: str) -> None:
        board = self.board
        if self.telling is not None and self.telling.done():
            self.telling.result()
            self.telling = None
        if action == "take" and self.reading is None and self.telling is None:
            board.now += 1.0
            due = board.rosters.take_due(board.now)
            self.reading = due, board.read(due)
        elif action == "tell" and self.reading is not None:
            self.telling = asyncio.create_task(board.rosters.tell(*self.reading, board.now))
            self.reading = None
        elif action == "fail" and self.reading is not None:
            board.rosters.soil_all()
            self.reading = None

    async def finish(self) -> None:
        if self.telling is not None:
            await self.telling
        self.read("tell")
        if self.telling is not None:
            await self.telling
        self.board.now += 5.0
        await self.board.turn()

    def check(self) -> None:
        for (user_id, channel), witness in self.witnesses.items():
            present = self.board.lists.get(Scope.of("org-1", channel), {})
            assert witness.here == {other: login for other, login in present.items() if other != user_id}


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=60))
def test_whoever_comes_and_goes_in_whatever_order_everyone_ends_with_who_is_here(
    steps: list[tuple[str, str, Channel]],
) -> None:
    async def perform() -> None:
        play = Play()
        for step in steps:
            await play.step(*step)
        await play.finish()
        play.check()

    asyncio.run(perform())
