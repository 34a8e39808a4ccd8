"""What a post does to an execution. Pure: everything it needs is an argument.

``PENDING -> RUNNING -> PASSED | FAILED | ERROR | CANCELLED``, attempt by attempt. Posts come late, twice and out of
order; the same post twice is the same as once, and a finished attempt never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callboard_contracts.executions import MAX_KEPT_BYTES, Status
from callboard_servicekit import strict_json

from callboard_producer.errors import AttemptNotBegun, AttemptOver, KeptFieldsTooLarge


@dataclass(frozen=True, slots=True)
class Post:
    """What a worker posts; None is "not given". Times are UTC."""

    status: Status
    attempt: int | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Where an execution stands. A finished attempt has an ``end_time``; ``fields`` are kept over attempts."""

    status: Status
    attempt: int
    start_time: datetime | None
    end_time: datetime | None
    fields: Mapping[str, Any]

    def is_same_as(self, other: "State") -> bool:
        known = (self.status, self.attempt, self.start_time, self.end_time)
        return known == (other.status, other.attempt, other.start_time, other.end_time) and _is_same_json(
            self.fields, other.fields
        )


def advance(current: State | None, post: Post, now: datetime) -> State:
    """The state after a post; `current` itself when the post changes nothing.

    Raises:
        AttemptOver: the attempt that the post is about has finished otherwise, or a later one has begun.
        AttemptNotBegun: the post ends an attempt that is not the current one.
        KeptFieldsTooLarge: what would be kept is over the bound.
    """
    if current is None:
        return _begun(post, post.attempt or 1, {}, now)
    if _begins_next(current, post):
        return _begun(post, post.attempt or current.attempt + 1, current.fields, now)
    if current.status.is_terminal:
        return _still_finished(current, post)
    if post.attempt is not None and post.attempt < current.attempt:
        raise AttemptOver
    if post.attempt is not None and post.attempt > current.attempt:
        raise AttemptNotBegun
    if _rank(post.status) < _rank(current.status):
        return current
    merged = _merged(current, post, now)
    return current if merged.is_same_as(current) else merged


def _begins_next(current: State, post: Post) -> bool:
    if post.status.is_terminal:
        return False
    if post.attempt is not None:
        return post.attempt > current.attempt
    return (
        current.status.is_terminal
        and post.start_time is not None
        and current.end_time is not None
        and post.start_time > current.end_time
    )


def _begun(post: Post, attempt: int, fields: Mapping[str, Any], now: datetime) -> State:
    return _merged(State(post.status, attempt, None, None, fields), post, now)


def _still_finished(current: State, post: Post) -> State:
    given = (post.attempt, post.start_time, post.end_time)
    stored = (current.attempt, current.start_time, current.end_time)
    repeats = (
        post.status is current.status
        and all(new is None or new == old for new, old in zip(given, stored, strict=True))
        and _is_same_json({**current.fields, **post.fields}, current.fields)
    )
    if not repeats:
        raise AttemptOver
    return current


def _merged(current: State, post: Post, now: datetime) -> State:
    """A time that nobody gave is set once, so that a repeat of the post finds it and changes nothing."""
    start_time = post.start_time or current.start_time
    end_time = post.end_time or current.end_time
    if start_time is None and post.status is Status.RUNNING:
        start_time = now
    if end_time is None and post.status.is_terminal:
        end_time = now
    fields = {**current.fields, **post.fields}
    if len(strict_json.dumps(fields).encode()) > MAX_KEPT_BYTES:
        raise KeptFieldsTooLarge
    return State(post.status, current.attempt, start_time, end_time, fields)


def _rank(status: Status) -> int:
    order = (Status.PENDING, Status.RUNNING)
    return order.index(status) if status in order else len(order)


def _is_same_json(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    # As text: to Python 1, 1.0 and True are equal, to a browser they are not.
    return strict_json.dumps(one) == strict_json.dumps(other)
