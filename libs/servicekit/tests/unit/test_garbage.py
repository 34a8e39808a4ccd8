"""What survives a full collection is set aside, and what is not needed any more goes all the same."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from callboard_servicekit import garbage
from callboard_servicekit.garbage import survivors_set_aside


class Node:
    other: "Node | None" = None


@pytest.fixture(autouse=True)
def quiet_collector() -> Iterator[None]:
    """Collects only when a test says so."""
    gc.disable()
    yield
    gc.enable()


def test_survivors_of_a_full_collection_are_not_walked_through_again() -> None:
    before = gc.get_freeze_count()
    with survivors_set_aside():
        kept = Node()
        gc.collect()
        assert gc.get_freeze_count() > before
        assert not any(item is kept for item in gc.get_objects())
    assert gc.get_freeze_count() == 0


def test_what_is_set_aside_is_freed_when_nothing_refers_to_it() -> None:
    with survivors_set_aside():
        kept = Node()
        seen = weakref.ref(kept)
        gc.collect()
        del kept
        assert seen() is None


def test_a_cycle_that_was_set_aside_is_found_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "COLLECTIONS_UNTIL_ALL", 3)
    with survivors_set_aside():
        one, two = Node(), Node()
        one.other, two.other = two, one
        seen = weakref.ref(one)
        gc.collect()
        del one, two
        gc.collect()
        assert seen() is not None
        gc.collect()
        assert seen() is None
