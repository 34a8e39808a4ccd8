"""What the tests of the feed stand on: outlets that remember, two dialects, and the list each outlet should have."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from callboard_contracts.channels import GENERAL, LOGS, ORG, Channel
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.events import BusEvent, Origin
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.positions import Position
from callboard_social.hub.feed import Feed
from callboard_social.hub.member import Member, PresenceChange
from callboard_social.wire.connection import Behind
from callboard_social.wire.protocol import Batch, Frame

CHANNELS = (ORG, LOGS, GENERAL)
END = "end"


class Wordy:
    """Tells everything."""

    name = "wordy"

    def event(self, channel: Channel, event: BusEvent) -> Frame | None:
        return self._frame("event", channel, event.position)

    def echo(self, channel: Channel, event: BusEvent) -> Frame | None:
        return self._frame("echo", channel, event.position)

    def reset(self, channel: Channel, position: Position) -> Frame | None:
        return self._frame("reset", channel, str(position))

    def bus(self, *, is_back: bool) -> Frame | None:
        return self._frame("bus", ORG, str(is_back))

    def hears_presence(self, _channel: Channel) -> bool:
        return False

    def presence(self, _channel: Channel, _at: Position, _changes: Sequence[PresenceChange]) -> Sequence[Frame]:
        return ()

    def _frame(self, kind: str, channel: Channel, position: str) -> Frame:
        return Frame(kind, f"{self.name} {kind} {channel} {position}")


class Terse(Wordy):
    """Has nothing to say about log lines, nor to the one an event comes from."""

    name = "terse"

    def event(self, channel: Channel, event: BusEvent) -> Frame | None:
        return None if channel == LOGS else super().event(channel, event)

    def echo(self, _channel: Channel, _event: BusEvent) -> Frame | None:
        return None


class Witness:
    """An outlet as `Outlet` describes it, with all that was put in; one that is full drops itself at the next frame."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.texts: list[str] = []
        self.batches: list[Batch] = []
        self.is_full = False
        self._behind: Behind | None = None

    @property
    def is_over(self) -> bool:
        return self.texts[-1:] == [END]

    def follow(self, behind: Behind | None) -> None:
        self._behind = behind

    def enqueue(self, frame: Frame) -> None:
        if not self.is_over and self._behind is not None:
            self._behind.catch_up()
        self._put([frame])

    def write(self, batch: Batch) -> None:
        self.batches.append(batch)
        assert batch.wire == b"".join(frame.wire for frame in batch.frames)
        self._put(batch.frames)

    def close(self, code: CloseCode) -> None:
        if not self.is_over and self._behind is not None:
            self._behind.catch_up()
        self.drop(code)

    def drop(self, _code: CloseCode) -> None:
        if not self.is_over:
            self.texts.append(END)

    def _put(self, frames: Sequence[Frame]) -> None:
        if self.is_over:
            return
        if self.is_full:
            self.texts.append(END)
            return
        self.texts += [frame.text for frame in frames]


@dataclass(eq=False)
class Client:
    """A member, its witness, and the naive list; `is_exact` is False once it may lack the last of that."""

    member: Member
    witness: Witness
    dialect: Wordy
    channels: set[Channel] = field(default_factory=set)
    expected: list[str] = field(default_factory=list)
    is_exact: bool = True
    is_over: bool = False

    def expect(self, frame: Frame | None) -> None:
        if frame is not None and not self.is_over:
            self.expected.append(frame.text)

    def expect_end(self) -> None:
        if not self.is_over:
            self.expected.append(END)
        self.is_over = True

    @property
    def agrees_so_far(self) -> bool:
        """True when nothing is missing in between, out of place, or there too early or twice."""
        heard = [text for text in self.witness.texts if text != END]
        return heard == self.expected[: len(heard)]

    @property
    def agrees(self) -> bool:
        return self.witness.texts == self.expected if self.is_exact else self.agrees_so_far and self.witness.is_over


def make_client(name: str, dialect: Wordy, feed: Feed) -> Client:
    identity = Identity(
        user_id=f"user-{name}",
        login=name,
        organization_id="org-1",
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        session_id=f"session-{name}",
        issued_at=0,
        expires_at=1,
    )
    witness = Witness(name)
    member = Member(witness, identity, dialect, feed=feed)
    witness.follow(member)
    return Client(member, witness, dialect)


def event_at(offset: int, author: Client | None = None) -> BusEvent:
    origin = None if author is None else Origin(connection=author.witness.id, request=None)
    return BusEvent(position=f"e:{offset}", type="execution-updated", at="", data={}, origin=origin)
