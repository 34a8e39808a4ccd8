"""Limits per minute, with the clock as an argument."""

import pytest
from callboard_servicekit.errors import TooManyRequests
from callboard_social.limits import RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_one_too_many_is_told_when_to_come_back() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    limit.spend("ada")
    clock.now += 20
    limit.spend("ada")
    with pytest.raises(TooManyRequests) as refusal:
        limit.spend("ada")
    assert 40 <= int(refusal.value.headers["Retry-After"]) <= 41
    limit.spend("grace")


def test_a_new_minute_begins_with_the_next_one() -> None:
    clock = Clock()
    limit = RateLimit(1, clock)
    limit.spend("ada")
    clock.now += 61
    limit.require_left("ada")
    limit.spend("ada")
    with pytest.raises(TooManyRequests):
        limit.require_left("ada")


def test_asking_what_is_left_counts_nothing() -> None:
    limit = RateLimit(1, Clock())
    for _ in range(3):
        limit.require_left("ada")
    limit.spend("ada")
