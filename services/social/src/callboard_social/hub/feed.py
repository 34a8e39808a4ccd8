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
from itertools import islice
from typing import NamedTuple

from callboard_social.hub.member import Audience, Dialect, Member
from callboard_social.metrics import Heard
from callboard_social.wire.protocol import Batch, Frame

SLICE = 256
"""Members that are written to in one turn of the loop: about a millisecond."""


class _Entry(NamedTuple):
    audience: Audience
    frame: Frame


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
        self._is_planned = False

    def publish(self, audience: Audience, frame: Frame) -> None:
        """Have all members of the audience told; never waits."""
        self._entries.append(_Entry(audience, frame))
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
                self._round = self._serve_all(len(self._entries))
                self._leaving, self._heard = self._heard, []
            if sum(1 for _ in islice(self._round, self._slice)) < self._slice:
                self._round = None
                self._written(self._leaving)
        finally:
            if self._entries:
                self._plan()

    def _serve_all(self, count: int) -> Iterator[None]:
        """Serve everybody with the first `count` entries, one by one, and forget those."""
        start, end = self._first, self._first + count
        for entries in self._by_dialect(count).values():
            for member, batch in _batches(entries):
                if member.seen <= start:
                    member.seen = end
                    member.connection.write(batch)
                elif member.seen < end:
                    self._serve(member, end - start)
                yield
        del self._entries[:count]
        self._first = end

    def _by_dialect(self, count: int) -> dict[Dialect, list[_Entry]]:
        """Nobody has two dialects: their members are different ones."""
        sorted_out: dict[Dialect, list[_Entry]] = {}
        for entry in self._entries[:count]:
            sorted_out.setdefault(entry.audience.dialect, []).append(entry)
        return sorted_out

    def _serve(self, member: Member, count: int) -> None:
        """Write what is left of the first `count` entries for one member."""
        begin = max(0, member.seen - self._first)
        name = member.connection.id
        member.seen = max(member.seen, self._first + count)
        frames = [entry.frame for entry in self._entries[begin:count] if entry.audience.members.get(name) is member]
        if frames:
            member.connection.write(Batch(frames))


def _batches(entries: Sequence[_Entry]) -> Iterator[tuple[Member, Batch]]:
    """Every member that any of the entries is for, with all that is for it."""
    audiences = {id(entry.audience): entry.audience for entry in entries}
    if len(audiences) == 1:
        batch = Batch([entry.frame for entry in entries])
        for member in list(entries[0].audience.members.values()):
            yield member, batch
        return
    heard: dict[Member, tuple[int, ...]] = {}
    for key, audience in audiences.items():
        for member in audience.members.values():
            heard[member] = (*heard.get(member, ()), key)
    shared: dict[tuple[int, ...], Batch] = {}
    for member, keys in heard.items():
        if keys not in shared:
            shared[keys] = Batch([entry.frame for entry in entries if id(entry.audience) in keys])
        yield member, shared[keys]
