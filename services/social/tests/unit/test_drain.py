"""The pace at which sockets leave, on a clock that the test moves."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate
from typing import cast

import pytest
from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_servicekit.telemetry import Telemetry
from callboard_social.dialects.native import NativeDialect
from callboard_social.drain import TICK_SECONDS, Drain
from callboard_social.hub.hub import Hub
from callboard_social.hub.member import Member
from callboard_social.metrics import SocialMetrics
from callboard_social.wire.engineio.server import EngineServer
from callboard_social.wire.protocol import Frame
from hypothesis import given
from hypothesis import strategies as st

IDENTITY = Identity(
    user_id="user-1",
    login="ada",
    organization_id="org-1",
    role=Role.MEMBER,
    kind=IdentityKind.USER,
    session_id=None,
    issued_at=0,
    expires_at=1,
)


class Place:
    """A hub and an Engine.IO server in one: who is there, and when they were closed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.members: list[Member] = []
        self.sessions: list[Session] = []
        self.told: list[tuple[float, str]] = []
        self.naps: list[Callable[[], None]] = []
        """Happen during the next sleeps, one each."""
        self.dialect = NativeDialect()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds
        if self.naps:
            self.naps.pop(0)()

    def come(self, *, leaves: bool = True) -> "Outlet":
        outlet = Outlet(self, leaves=leaves)
        outlet.member = Member(outlet, IDENTITY, self.dialect)
        self.members.append(outlet.member)
        return outlet

    def comes(self) -> None:
        self.come()

    def goes(self) -> None:
        self.members.pop()

    def open_session(self) -> None:
        self.sessions.append(Session(self))

    @property
    def closed_at(self) -> list[float]:
        return [at for at, what in self.told if what != "draining"]

    async def drain(self, window: float, notice: float = 0.5) -> None:
        drain = Drain(
            cast("Hub", self),
            self.dialect,
            [cast("EngineServer", self)],
            SocialMetrics(Telemetry()),
            timedelta(seconds=notice),
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        await drain.run(timedelta(seconds=window))


class Outlet:
    id = "connection"
    member: Member

    def __init__(self, place: Place, *, leaves: bool) -> None:
        self._place = place
        self._leaves = leaves
        self.heard: list[str] = []

    def follow(self, behind: object) -> None: ...

    def write(self, batch: object) -> None: ...

    def drop(self, code: CloseCode) -> None: ...

    def enqueue(self, frame: Frame) -> None:
        self.heard.append(frame.text)
        self._place.told.append((self._place.now, frame.kind))

    def close(self, code: CloseCode) -> None:
        self.heard.append(code.reason)
        self._place.told.append((self._place.now, code.reason))
        if self._leaves:
            self._place.members.remove(self.member)


class Session:
    """Of Engine.IO, as far as it can be told to end."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.is_closing = False

    def shut_down(self) -> None:
        assert not self.is_closing
        self.is_closing = True
        self._place.told.append((self._place.now, "session"))
        self._place.sessions.remove(self)


def nothing() -> None:
    pass


async def test_a_node_with_nobody_on_it_is_drained_at_once() -> None:
    place = Place()
    await place.drain(10)
    assert place.now == 0


async def test_one_socket_is_told_after_the_notice_when_to_come_back_and_then_closed() -> None:
    place = Place()
    outlet = place.come()
    await place.drain(10, notice=0.5)
    frame, reason = outlet.heard
    told = json.loads(frame)
    assert 100 <= told.pop("retryAfterMs") <= 1000
    assert told == {"type": "draining"}
    assert reason == close_codes.SHUTTING_DOWN.reason
    assert place.closed_at == [0.5]
    assert place.now == 0.5


@given(
    natives=st.integers(0, 300),
    sessions=st.integers(0, 300),
    window=st.floats(0.2, 60),
    notice=st.floats(0.001, 60),
)
async def test_sockets_of_all_kinds_leave_evenly_and_nobody_waits_longer_than_the_window(
    natives: int, sessions: int, window: float, notice: float
) -> None:
    place = Place()
    for _ in range(natives):
        place.come()
    for _ in range(sessions):
        place.open_session()
    await place.drain(window, notice)
    count = natives + sessions
    assert len(place.closed_at) == count
    assert place.now <= window
    # In any stretch of time no more than what is due at 4/3 of the average, and what one step gathers.
    fastest = 4 / 3 * count / window
    ahead = [number - fastest * at for number, at in enumerate(place.closed_at)]
    for now, least in zip(ahead, accumulate(ahead, min), strict=True):
        assert now - least <= fastest * TICK_SECONDS + 1


async def test_who_comes_or_goes_meanwhile_does_not_upset_the_others() -> None:
    place = Place()
    for _ in range(40):
        place.come()
    place.naps = [*[nothing] * 3, place.comes, nothing, place.goes]
    await place.drain(12)
    assert len(place.closed_at) == 40
    assert not place.members
    assert 9 <= place.now <= 10.5


async def test_one_that_does_not_go_is_told_once_and_left_behind_when_the_window_is_over() -> None:
    place = Place()
    stuck = place.come(leaves=False)
    await place.drain(10)
    assert len(stuck.heard) == 2
    assert 10 <= place.now <= 10.1


async def test_who_was_let_in_just_before_and_comes_at_the_end_is_told_at_once() -> None:
    place = Place()
    place.come(leaves=False)
    late: list[Outlet] = []
    place.naps = [nothing, lambda: late.append(place.come())]
    await place.drain(10)
    assert len(late[0].heard) == 2


async def test_in_a_hurry_all_leave_at_once() -> None:
    place = Place()
    outlets = [place.come() for _ in range(10)]
    place.open_session()

    def hurry() -> None:
        draining.cancel()

    place.naps = [nothing, nothing, hurry]
    draining = asyncio.create_task(place.drain(60))
    with pytest.raises(asyncio.CancelledError):
        await draining
    assert [len(outlet.heard) for outlet in outlets] == [2] * 10
    assert not place.sessions
    assert place.now < 30
