"""Limits per minute, with the clock as an argument."""

import pytest
from callboard_servicekit.errors import TooManyRequests
from callboard_social.handoff.inbound import (
    BURST_OF_BYTES,
    BURST_OF_MESSAGES,
    BYTES_PER_SECOND,
    MESSAGES_PER_SECOND,
    InboundBudget,
)
from callboard_social.limits import RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_one_too_many_is_told_when_to_come_back() -> None:
    clock = Clock()
    refusals: list[None] = []
    limit = RateLimit(2, lambda: refusals.append(None), clock)
    limit.spend("ada")
    clock.now += 20
    limit.spend("ada")
    with pytest.raises(TooManyRequests) as refusal:
        limit.spend("ada")
    assert 40 <= int(refusal.value.headers["Retry-After"]) <= 41
    assert len(refusals) == 1
    limit.spend("grace")
    assert len(refusals) == 1


def test_a_new_minute_begins_with_the_next_one() -> None:
    clock = Clock()
    limit = RateLimit(1, lambda: None, clock)
    limit.spend("ada")
    clock.now += 61
    limit.spend("ada")
    with pytest.raises(TooManyRequests):
        limit.spend("ada")


def test_a_socket_may_say_much_at_once_and_then_steadily() -> None:
    clock = Clock()
    budget = InboundBudget(clock)
    assert [budget.spend(10) for _ in range(int(BURST_OF_MESSAGES))] == [0.0] * int(BURST_OF_MESSAGES)
    for _ in range(5):
        delay = budget.spend(10)
        assert delay == pytest.approx(1 / MESSAGES_PER_SECOND)
        clock.now += delay


def test_a_socket_may_not_say_too_much_in_few_words() -> None:
    budget = InboundBudget(Clock())
    big = 64 * 1024
    assert not any(budget.spend(big) for _ in range(int(BURST_OF_BYTES) // big))
    assert budget.spend(big) == pytest.approx(big / BYTES_PER_SECOND)
