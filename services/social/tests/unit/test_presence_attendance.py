"""What one node has to tell Redis: users are counted, changes are gathered, and a lost answer is not a lost change."""

from callboard_contracts.channels import PRESENCE, Channel
from callboard_social.presence.attendance import Attendance, Update
from callboard_social.presence.entry import Scope
from hypothesis import given
from hypothesis import strategies as st

from .presence_witness import make_identity

HERE = Scope("org-1", PRESENCE)
ADA, BOB = make_identity("ada"), make_identity("bob")


def names(updates: list[Update]) -> list[tuple[list[str], list[str], list[str]]]:
    return [(list(update.came), list(update.left), list(update.dropped)) for update in updates]


def written(attendance: Attendance) -> list[tuple[list[str], list[str], list[str]]]:
    """Take what there is to write, and have it written."""
    updates = attendance.take()
    attendance.settle(updates)
    return names(updates)


def test_a_second_tab_is_no_change_and_neither_is_closing_one_of_two() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    assert written(attendance) == [(["ada"], [], [])]
    attendance.enter(HERE, ADA)
    attendance.leave(HERE, ADA, is_clean=True)
    assert written(attendance) == []
    attendance.leave(HERE, ADA, is_clean=True)
    assert written(attendance) == [([], ["ada"], [])]


def test_how_the_last_socket_ended_decides_whether_a_user_left_or_dropped() -> None:
    attendance = Attendance("node")
    for identity in (ADA, ADA, BOB, BOB):
        attendance.enter(HERE, identity)
    written(attendance)
    attendance.leave(HERE, ADA, is_clean=False)
    attendance.leave(HERE, ADA, is_clean=True)
    attendance.leave(HERE, BOB, is_clean=True)
    attendance.leave(HERE, BOB, is_clean=False)
    assert written(attendance) == [([], ["ada"], ["bob"])]


def test_who_leaves_and_is_back_before_it_was_written_causes_nothing() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    written(attendance)
    attendance.leave(HERE, ADA, is_clean=True)
    attendance.enter(HERE, ADA)
    assert attendance.has_changes
    assert written(attendance) == []


def test_who_came_and_left_before_it_was_written_causes_nothing() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    attendance.leave(HERE, ADA, is_clean=True)
    assert written(attendance) == []
    assert not list(attendance.here())


def test_who_leaves_while_its_coming_is_written_is_taken_out_next() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    updates = attendance.take()
    attendance.leave(HERE, ADA, is_clean=True)
    attendance.settle(updates)
    assert written(attendance) == [([], ["ada"], [])]


def test_who_comes_back_while_its_leaving_is_written_is_put_in_next() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    written(attendance)
    attendance.leave(HERE, ADA, is_clean=True)
    updates = attendance.take()
    attendance.enter(HERE, ADA)
    attendance.settle(updates)
    assert written(attendance) == [(["ada"], [], [])]


def test_a_write_without_an_answer_is_taken_back_also_when_its_user_has_left_meanwhile() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    attendance.take()
    attendance.leave(HERE, ADA, is_clean=True)
    attendance.doubt()
    assert written(attendance) == [([], ["ada"], [])]


def test_in_doubt_everything_that_is_here_is_written_anew() -> None:
    attendance = Attendance("node")
    room = Scope("org-1", Channel.room("r"))
    attendance.enter(HERE, ADA)
    attendance.enter(room, BOB)
    written(attendance)
    attendance.doubt()
    assert written(attendance) == [(["ada"], [], []), (["bob"], [], [])]


def test_only_who_is_here_is_renewed() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    attendance.enter(HERE, BOB)
    written(attendance)
    attendance.leave(HERE, BOB, is_clean=False)
    [(scope, entries)] = attendance.here()
    assert scope == HERE
    assert entries == ['["ada","node","login of ada"]']


def test_when_a_node_parts_all_that_are_here_are_dropped() -> None:
    attendance = Attendance("node")
    attendance.enter(HERE, ADA)
    attendance.enter(HERE, BOB)
    written(attendance)
    attendance.leave(HERE, BOB, is_clean=True)
    attendance.drop_all()
    [(came, left, dropped)] = written(attendance)
    assert (came, left, dropped) == ([], ["bob"], ["ada"])
    assert not list(attendance.here())


STEP = st.one_of(
    st.tuples(st.just("enter"), st.sampled_from(["ada", "bob"])),
    st.tuples(st.sampled_from(["leave", "drop"]), st.sampled_from(["ada", "bob"])),
    st.tuples(st.sampled_from(["take", "written", "half written", "not written"]), st.just("")),
)


class Model:
    """Redis as a set of users, told of by one attendance; a write may be done and its answer lost."""

    def __init__(self) -> None:
        self.attendance = Attendance("node")
        self.sockets = {"ada": 0, "bob": 0}
        self.redis: set[str] = set()
        self.taken: list[Update] | None = None

    def step(self, action: str, user_id: str) -> None:
        if action == "enter":
            self.sockets[user_id] += 1
            self.attendance.enter(HERE, make_identity(user_id))
        elif action in {"leave", "drop"}:
            if self.sockets[user_id]:
                self.sockets[user_id] -= 1
                self.attendance.leave(HERE, make_identity(user_id), is_clean=action == "leave")
        elif action == "take":
            if self.taken is None:
                self.taken = self.attendance.take()
        elif self.taken is not None:
            self.answer(action, self.taken)
            self.taken = None

    def answer(self, action: str, taken: list[Update]) -> None:
        if action != "not written":
            for update in taken:
                self.redis |= set(update.came)
                self.redis -= set(update.left) | set(update.dropped)
        if action == "written":
            self.attendance.settle(taken)
        else:
            self.attendance.doubt()


@given(st.lists(STEP, max_size=40))
def test_redis_ends_with_who_is_here_whatever_was_lost_on_the_way(steps: list[tuple[str, str]]) -> None:
    model = Model()
    for action, user_id in steps:
        model.step(action, user_id)
    for action in ("written", "take", "written"):
        model.step(action, "")
    assert model.redis == {user_id for user_id, sockets in model.sockets.items() if sockets}
    assert not model.attendance.has_changes
