"""What a client and the server say on one socket."""

from collections.abc import Iterable

from callboard_contracts.events import Event
from callboard_contracts.native import Bus, Connected, Error, Reset, Subscribe, Subscribed

from callboard_worker.sdk.errors import SubscriptionRefused
from callboard_worker.sdk.frames import Frame
from callboard_worker.sdk.seen import SeenPositions


class TryAgain(Exception):
    """The server asked for another attempt."""


class Conversation:
    """One socket's subscriptions: what was asked for, and whether all of it has been answered."""

    def __init__(self, seen: SeenPositions, channels: Iterable[str]) -> None:
        self._seen = seen
        self._wanted = tuple(channels)
        self._asked: dict[int, str] = {}
        self.is_connected = False
        self.missed: list[str] = []

    @property
    def is_complete(self) -> bool:
        return self.is_connected and not self._asked

    def requests(self, frame: Frame | None) -> list[Subscribe]:
        """What to ask for after this frame: after the first one, the channels that it did not bring."""
        if not isinstance(frame, Connected) or self.is_connected:
            return []
        brought = {state.channel for state in frame.channels}
        self._asked = dict(enumerate(name for name in self._wanted if name not in brought))
        return [Subscribe(type="subscribe", id=number, channel=name) for number, name in self._asked.items()]

    def take(self, frame: Event | Connected | Subscribed | Reset | Bus) -> bool:
        """Note a frame; False for an event that was seen before."""
        match frame:
            case Connected():
                self.is_connected = True
                self.missed += [state.channel for state in frame.channels if self._seen.joined(state)]
            case Subscribed():
                self._asked = {number: name for number, name in self._asked.items() if name != frame.channel}
                self.missed += [frame.channel] if self._seen.joined(frame) else []
            case Reset():
                self._seen.restart(frame)
            case Event():
                return self._seen.is_new(frame)
            case Bus():
                pass
        return True

    def refuse(self, error: Error) -> None:
        """Raises SubscriptionRefused, or TryAgain, when it answers one of our requests."""
        channel = self._asked.get(error.reply_to) if isinstance(error.reply_to, int) else None
        if channel is None:
            return
        if error.temporary:
            raise TryAgain(error.message)
        raise SubscriptionRefused(channel, error.code, error.message)
