"""What members are told: everyone once, then every difference once, never of themselves, in few frames."""

import math

from callboard_contracts.channels import GENERAL, PRESENCE
from callboard_social.presence.announcement import SMALL

from .presence_board import REREAD_SECONDS, ROOM, Board
from .presence_witness import ROOMS, Witness


async def test_a_newcomer_is_told_everyone_but_itself_and_then_only_differences() -> None:
    board = Board()
    board.be("ada", "bob", "eve")
    ada = await board.join(Witness("ada"))
    assert ada.frames == []
    await board.turn()
    assert ada.here == {"bob": "login of bob", "eve": "login of eve"}
    await board.change("ada", "bob", "zoe")
    assert ada.history[2:] == [("eve", "offline"), ("zoe", "online")]
    assert [frame["position"] for frame in ada.frames] == ["e:1", "e:2"]


async def test_who_is_alone_is_told_nothing() -> None:
    board = Board()
    board.be("ada")
    ada = await board.join(Witness("ada"))
    await board.turn()
    assert ada.frames == []


async def test_a_later_newcomer_is_told_what_the_others_know_and_they_are_told_nothing_again() -> None:
    board = Board()
    board.be("ada", "bob")
    ada = await board.join(Witness("ada"))
    await board.turn()
    bob = await board.join(Witness("bob"))
    await board.turn()
    assert bob.history == [("ada", "online")]
    assert ada.history == [("bob", "online")]


async def test_frames_are_shared_by_all_whose_own_user_is_not_among_the_changes() -> None:
    board = Board()
    witnesses = [await board.join(Witness(f"user-{number}")) for number in range(5)]
    await board.turn()
    await board.change("somebody")
    assert {str(witness.frames) for witness in witnesses} == {str(witnesses[0].frames)}
    assert witnesses[0].history == [("somebody", "online")]


async def test_hundreds_who_come_at_once_are_told_of_each_other_in_few_frames() -> None:
    board = Board()
    users = [f"user-{number}" for number in range(500)]
    spectator = await board.join(Witness("spectator"))
    witnesses = [await board.join(Witness(user)) for user in users]
    await board.turn()
    await board.change(*users)
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
    await board.turn()
    assert len(witness.frames) == 1
    assert len(witness.here) == SMALL - 1


async def test_in_a_room_nobodys_position_is_touched() -> None:
    board = Board()
    ada = await board.join(Witness("ada", dialect=ROOMS), ROOM)
    board.be("ada", "bob", channel=ROOM)
    await board.turn()
    assert ada.here == {"bob": "login of bob"}
    assert ada.frames[0]["position"] == "0:0"


async def test_the_general_room_is_told_the_list_of_the_organisation() -> None:
    board = Board()
    ada = await board.join(Witness("ada", dialect=ROOMS), GENERAL)
    board.be("bob")
    await board.turn()
    assert ada.here == {"bob": "login of bob"}


async def test_an_organisation_is_told_its_own_list_only() -> None:
    board = Board()
    ada, other = await board.join(Witness("ada")), await board.join(Witness("ada", org="org-2"))
    board.be("bob", org="org-1")
    board.be("eve", org="org-2")
    assert await board.turn() == 2
    assert (set(ada.here), set(other.here)) == ({"bob"}, {"eve"})


async def test_a_dialect_that_does_not_hear_presence_there_is_told_nothing() -> None:
    board = Board()
    board.be("bob", channel=ROOM)
    deaf, hearing = (
        await board.join(Witness("ada"), ROOM),
        await board.join(Witness("zoe", dialect=ROOMS), ROOM),
    )
    await board.turn()
    assert deaf.frames == []
    assert set(hearing.here) == {"bob"}


async def test_a_list_is_read_again_when_its_first_entry_runs_out_and_every_fifteen_seconds() -> None:
    board = Board()
    assert board.rosters.due_at == math.inf
    await board.join(Witness("ada"))
    assert board.rosters.due_at < board.now
    board.seconds_left = 60.0
    await board.turn()
    assert board.rosters.due_at == board.now + REREAD_SECONDS
    board.rosters.soil("org-1", PRESENCE)
    board.seconds_left = 4.0
    await board.turn()
    assert board.rosters.due_at == board.now + 4.0
    assert await board.turn() == 0
    board.now += 4.0
    assert await board.turn() == 1


async def test_what_is_heard_while_a_list_is_read_makes_it_due_again() -> None:
    board = Board()
    ada = await board.join(Witness("ada"))
    due = board.rosters.take_due(board.now)
    readings = board.read(due)
    board.be("bob")
    board.rosters.soil("org-1", PRESENCE)
    await board.rosters.tell(due, readings, board.now)
    assert ada.here == {}
    assert await board.turn() == 1
    assert set(ada.here) == {"bob"}


async def test_while_entries_may_be_lost_nobody_is_taken_for_gone() -> None:
    board = Board()
    board.be("bob", "eve")
    ada = await board.join(Witness("ada"))
    await board.turn()
    board.rosters.keep_until(board.now + 10.0)
    await board.change("eve", "zoe")
    assert ada.history[2:] == [("zoe", "online")]
    assert board.rosters.due_at == board.now + 10.0
    board.now += 10.0
    await board.turn()
    assert ada.history[3:] == [("bob", "offline")]


async def test_when_its_last_member_leaves_a_roster_is_forgotten() -> None:
    board = Board()
    ada = await board.join(Witness("ada"))
    await board.turn()
    board.hub.unregister(ada.member, is_clean=True)
    assert board.rosters.due_at == math.inf
