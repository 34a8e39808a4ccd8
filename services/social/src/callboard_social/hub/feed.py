"""One organisation's events on this node, on their way to its members: one write for all of a turn of the loop.

Frames are collected in the order in which they happened. In the next turn of the loop all of a member's frames, of
whatever channels, become one `Batch`, and members that hear the same channels share it: it is joined once, and writing
it is one call each. While a large organisation is served in slices, with everything else having its turn between them,
what happens meanwhile is collected for the next round: the busier it is, the more goes out with one write.

What one member is told alone must not overtake what happened before, nor repeat it afterwards. So it first catches up
by itself, and its mark in the feed says how far it is. The same is done before it joins a channel or leaves one: from
its mark on, the channels it is in now are those it was in when things happened.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from callboard_contracts.channels import Channel

from callboard_social.hub.member import Audience, Dialect, Member
from callboard_social.metrics import Heard
from callboard_social.wire.protocol import Batch, Frame

SLICE = 256
"""Members that are written to in one turn of the loop: about a millisecond."""
FRAMES_IN_A_STEP = 16
"""To join so many frames counts for as much as a member."""
MAX_ENTRIES = 1_000
"""Of one round; the rest waits for the next one."""


class _Entry(NamedTuple):
    number: int
    audience: Audience
    frame: Frame


_number_of = attrgetter("number")


class Feed:
    """Of one organisation.

    Args:
        written: told which events have just been written to all their members, for the metrics.
        slice_size: members per turn of the loop.
    """

    __slots__ = (
        "__weakref__",
        "_entries",
        "_first",
        "_heard",
        "_is_planned",
        "_leaving",
        "_left",
        "_round",
        "_slice",
        "_written",
    )

    def __init__(self, written: Callable[[Sequence[Heard]], None], slice_size: int = SLICE) -> None:
        self._written = written
        self._slice = slice_size
        self._entries: list[_Entry] = []
        self._first = 0
        """What the first entry counts as; a member's mark is compared with it."""
        self._heard: list[Heard] = []
        self._leaving: list[Heard] = []
        self._round: Iterator[None] | None = None
        self._left = 0
        """Of the slice: so many more members."""
        self._is_planned = False

    def publish(self, audience: Audience, frame: Frame) -> None:
        """Have all members of the audience told; never waits."""
        self._entries.append(_Entry(self._first + len(self._entries), audience, frame))
        if not self._is_planned:
            self._plan()

    def note(self, heard: Heard) -> None:
        """Have it told when what was published for this event is written."""
        self._heard.append(heard)

    def catch_up(self, member: Member) -> None:
        """Write now what is for this member and is not written yet."""
        if self._entries:
            self._serve(member, len(self._entries))

    def skip(self, member: Member) -> None:
        """Take what has been published until now as seen by the member."""
        member.seen = self._first + len(self._entries)

    def _plan(self) -> None:
        self._is_planned = True
        asyncio.get_running_loop().call_soon(self._turn, context=Context())

    def _turn(self) -> None:
        """Write one slice; the rest, and what comes meanwhile, has its turn later."""
        self._is_planned = False
        try:
            if self._round is None:
                self._round = self._serve_all(min(len(self._entries), MAX_ENTRIES))
                self._leaving, self._heard = self._heard, []
            for _ in self._round:
                break  # there is more to do
            else:
                self._round = None
                self._written(self._leaving)
        finally:
            if self._entries:
                self._plan()

    def _serve_all(self, count: int) -> Iterator[None]:
        """Serve everybody with the first `count` entries, and forget those; yields after each slice."""
        end, self._left = self._first + count, self._slice
        for entries in self._by_dialect(count).values():
            yield from self._serve_dialect(entries, end)
        del self._entries[:count]
        self._first = end

    def _by_dialect(self, count: int) -> dict[Dialect, dict[Audience, list[_Entry]]]:
        """Nobody has two dialects: their members are different ones."""
        sorted_out: dict[Dialect, dict[Audience, list[_Entry]]] = {}
        for entry in self._entries[:count]:
            of_audience = sorted_out.setdefault(entry.audience.dialect, {})
            of_audience.setdefault(entry.audience, []).append(entry)
        return sorted_out

    def _serve_dialect(self, entries: dict[Audience, list[_Entry]], end: int) -> Iterator[None]:
        """Members that hear the same channels share a batch; who hears several is met again, but served once."""
        start, left, shared = self._first, self._left, dict[frozenset[Channel], Batch]()
        for audience in entries:
            for member in list(audience.members.values()):
                left -= 1
                if start < member.seen < end:
                    self._serve(member, end - start)
                elif member.seen <= start:
                    batch = shared.get(member.joined)
                    if batch is None:
                        batch = shared[member.joined] = _batch_for(member.joined, entries)
                        left -= len(batch.frames) // FRAMES_IN_A_STEP
                    member.seen = end
                    member.connection.write(batch)
                while left <= 0:
                    yield
                    left += self._slice
        self._left = left

    def _serve(self, member: Member, count: int) -> None:
        """Write what is left of the first `count` entries for one member."""
        begin = max(0, member.seen - self._first)
        name = member.connection.id
        member.seen = max(member.seen, self._first + count)
        frames = [entry.frame for entry in self._entries[begin:count] if entry.audience.members.get(name) is member]
        if frames:
            member.connection.write(Batch(frames))


def _batch_for(joined: frozenset[Channel], entries: dict[Audience, list[_Entry]]) -> Batch:
    """What those hear who are in these channels, in its order."""
    heard = [own for audience, own in entries.items() if audience.channel in joined]
    return Batch([entry.frame for entry in sorted(chain.from_iterable(heard), key=_number_of)])
