"""One set of presence changes as frames for the members of a channel."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from callboard_contracts.channels import Channel
from callboard_contracts.positions import Position

from callboard_social.hub.member import Dialect, Member, PresenceChange
from callboard_social.wire.protocol import Frame

SMALL = 16
"""So many changes are encoded for a single member without a thought."""


class Part(NamedTuple):
    """Changes from `start` to `stop`, but for the one at `without`."""

    start: int
    stop: int
    without: int | None = None


class Announcement:
    """Changes of different users, encoded once per dialect; whoever is among them hears the others only.

    When thousands come at once, nearly every member is among the changes. To encode all but one for each of them would
    be quadratic work, so they share halves: everybody gets the half without itself, then the half of the other half
    without itself, and so on, down to a small rest. That is about log2(n) frames for a member.

    Each frame takes the next position when it is first used, so a member's positions only rise.
    """

    def __init__(
        self, channel: Channel, changes: Sequence[PresenceChange], next_position: Callable[[], Position]
    ) -> None:
        self._channel = channel
        self._changes = changes
        self._next_position = next_position
        self._place_of = {change.user_id: place for place, change in enumerate(changes)}
        self._encoded: dict[tuple[Dialect, Part], Sequence[Frame]] = {}
        self.sent: Counter[Frame] = Counter()
        """How many lanes each frame was put into."""

    def tell(self, member: Member) -> None:
        """Put the changes into the member's lane, without its own."""
        for part in self._parts(member.identity.user_id):
            for frame in self._frames(member.dialect, part):
                member.connection.enqueue(frame)
                self.sent[frame] += 1

    def _parts(self, user_id: str) -> Iterator[Part]:
        """What to say to the user; the largest part first."""
        start, stop = 0, len(self._changes)
        own = self._place_of.get(user_id)
        while own is not None and stop - start > SMALL:
            middle = (start + stop) // 2
            if own < middle:
                yield Part(middle, stop)
                stop = middle
            else:
                yield Part(start, middle)
                start = middle
        yield Part(start, stop, own)

    def _frames(self, dialect: Dialect, part: Part) -> Sequence[Frame]:
        frames = self._encoded.get((dialect, part))
        if frames is None:
            frames = self._encoded[dialect, part] = self._encode(dialect, part)
        return frames

    def _encode(self, dialect: Dialect, part: Part) -> Sequence[Frame]:
        changes = list(self._changes[part.start : part.stop])
        if part.without is not None:
            del changes[part.without - part.start]
        return dialect.presence(self._channel, self._next_position(), changes) if changes else ()
