"""The lifecycle under posts that come late, twice and out of order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from callboard_contracts.executions import Status
from callboard_producer.errors import AttemptNotBegun, AttemptOver, KeptFieldsTooLarge
from callboard_producer.executions.lifecycle import Post, State, advance
from hypothesis import given, settings
from hypothesis import strategies as st

NOON = datetime(2026, 1, 29, 12, tzinfo=UTC)

_moments = st.none() | st.integers(-3, 30).map(lambda minutes: NOON + timedelta(minutes=minutes))
_values = st.none() | st.booleans() | st.integers(0, 1) | st.sampled_from([0.0, 1.0, "a"])
_posts = st.builds(
    Post,
    status=st.sampled_from([status for status in Status if status is not Status.LOST]),
    attempt=st.none() | st.integers(1, 4),
    start_time=_moments,
    end_time=_moments,
    fields=st.dictionaries(st.sampled_from(["a", "b"]), _values),
)


def moment(step: int) -> datetime:
    return NOON + timedelta(minutes=step)


def apply(state: State | None, post: Post, now: datetime) -> State | None:
    """The state after a post that may be refused."""
    try:
        return advance(state, post, now)
    except (AttemptOver, AttemptNotBegun):
        return state


def path(posts: list[Post]) -> list[State]:
    """The states that a sequence of posts leads through, as far as there are any."""
    state: State | None = None
    states = []
    for step, post in enumerate(posts):
        state = apply(state, post, moment(step))
        if state is not None:
            states.append(state)
    return states


def order(status: Status) -> int:
    return {Status.PENDING: 0, Status.RUNNING: 1}.get(status, 2)


@settings(deadline=None)
@given(st.lists(_posts, max_size=12), _posts)
def test_a_post_that_was_taken_changes_nothing_the_second_time(posts: list[Post], last: Post) -> None:
    before = ([None, *path(posts)])[-1]
    try:
        once = advance(before, last, moment(50))
    except (AttemptOver, AttemptNotBegun):
        return
    assert advance(once, last, moment(60)) is once


@settings(deadline=None)
@given(st.lists(_posts, max_size=12))
def test_a_finished_attempt_never_changes(posts: list[Post]) -> None:
    finished: dict[int, State] = {}
    for state in path(posts):
        if state.status.is_terminal:
            assert finished.setdefault(state.attempt, state) == state
        else:
            assert state.attempt not in finished


@settings(deadline=None)
@given(st.lists(_posts, max_size=12))
def test_attempts_and_the_states_of_one_attempt_only_go_forward(posts: list[Post]) -> None:
    places = [(state.attempt, order(state.status)) for state in path(posts)]
    assert places == sorted(places)


@settings(deadline=None)
@given(st.lists(_posts, max_size=12))
def test_running_has_a_start_and_a_finished_attempt_an_end(posts: list[Post]) -> None:
    for state in path(posts):
        assert state.status is not Status.RUNNING or state.start_time is not None
        assert not state.status.is_terminal or state.end_time is not None


@settings(deadline=None)
@given(st.permutations(["PENDING", "RUNNING", "PASSED"]), st.data())
def test_posts_of_one_attempt_end_in_the_same_state_in_whatever_order(names: list[str], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(names), max_size=4))
    posts = [Post(Status(name), attempt=1, start_time=NOON, end_time=None) for name in [*names, *repeats]]
    last = path(posts)[-1]
    assert (last.status, last.attempt, last.start_time) == (Status.PASSED, 1, NOON)


def running(**changes: object) -> State:
    return replace(State(Status.RUNNING, 2, NOON, None, {"a": 1}), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [Status.PASSED, Status.FAILED, Status.ERROR, Status.CANCELLED])
def test_a_first_post_may_skip_states(status: Status) -> None:
    assert advance(None, Post(status), NOON) == State(status, 1, None, NOON, {})


def test_a_first_post_may_be_of_a_later_attempt() -> None:
    assert advance(None, Post(Status.PENDING, attempt=3), NOON) == State(Status.PENDING, 3, None, None, {})


def test_a_move_back_changes_nothing_not_even_its_fields() -> None:
    state = running()
    assert advance(state, Post(Status.PENDING, fields={"a": 2}), NOON) is state


def test_the_same_state_merges_and_the_last_value_wins() -> None:
    post = Post(Status.RUNNING, start_time=moment(1), fields={"a": 2, "b": None})
    assert advance(running(), post, NOON) == running(start_time=moment(1), fields={"a": 2, "b": None})


def test_one_and_true_are_two_values() -> None:
    changed = advance(running(), Post(Status.RUNNING, fields={"a": True}), NOON)
    assert changed.fields["a"] is True


def test_an_earlier_attempt_is_over_and_a_later_one_cannot_end_before_it_begins() -> None:
    with pytest.raises(AttemptOver):
        advance(running(), Post(Status.RUNNING, attempt=1), NOON)
    with pytest.raises(AttemptNotBegun):
        advance(running(), Post(Status.PASSED, attempt=3), NOON)


def test_a_higher_number_begins_an_attempt_and_leaves_the_old_ones_times_behind() -> None:
    post = Post(Status.PENDING, attempt=3, fields={"b": 1})
    assert advance(running(), post, NOON) == State(Status.PENDING, 3, None, None, {"a": 1, "b": 1})


def test_a_start_exactly_at_the_end_begins_no_attempt() -> None:
    finished = running(status=Status.PASSED, end_time=moment(5))
    with pytest.raises(AttemptOver):
        advance(finished, Post(Status.RUNNING, start_time=moment(5)), NOON)
    begun = advance(finished, Post(Status.RUNNING, start_time=moment(6)), NOON)
    assert (begun.attempt, begun.start_time, begun.end_time) == (3, moment(6), None)


def test_kept_fields_are_bounded_in_bytes_of_json_after_the_merge() -> None:
    full = advance(running(), Post(Status.RUNNING, fields={"b": "x" * (16 * 1024 - len('{"a":1,"b":""}'))}), NOON)
    with pytest.raises(KeptFieldsTooLarge):
        advance(full, Post(Status.RUNNING, fields={"a": 10}), NOON)
