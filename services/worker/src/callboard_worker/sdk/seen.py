"""What a client has seen of each channel, by position."""

from callboard_contracts.events import Event
from callboard_contracts.native import ChannelState, Reset, Subscribed
from callboard_contracts.positions import Position

from callboard_worker.sdk.frames import MalformedFrame


class SeenPositions:
    """Drops what comes twice, and tells after a reconnect whether anything happened meanwhile.

    Positions of one epoch are ordered; those of two epochs cannot be compared, so there the newcomer counts.
    Raises MalformedFrame for a malformed position.
    """

    def __init__(self) -> None:
        self._last: dict[str, Position] = {}

    def is_new(self, event: Event) -> bool:
        """False for an event that was given before; a new one counts as seen from now on."""
        return self._advance(event.channel, _parse(event.position))

    def joined(self, state: ChannelState | Subscribed) -> bool:
        """The channel was joined (again). True when it has moved since the last event seen: something was missed."""
        is_known = state.channel in self._last
        return self._advance(state.channel, _parse(state.position)) and is_known

    def restart(self, reset: Reset) -> None:
        """The channel goes on from this position."""
        self._last[reset.channel] = _parse(reset.position)

    def _advance(self, channel: str, position: Position) -> bool:
        last = self._last.get(channel)
        if last is not None and last.epoch == position.epoch and position.offset <= last.offset:
            return False
        self._last[channel] = position
        return True


def _parse(text: str) -> Position:
    try:
        return Position.parse(text)
    except ValueError as error:
        raise MalformedFrame("the server sent a malformed position") from error
