"""Which of the sessions that nobody has admitted make room for a new one."""

from datetime import timedelta

import pytest
from callboard_social.wire.engineio import Ending, EngineOptions, EngineSession
from callboard_social.wire.engineio.shared import Shared
from starlette.requests import HTTPConnection

OPTIONS = EngineOptions(timedelta(seconds=25), timedelta(seconds=20), max_unadmitted=4, max_unadmitted_per_address=2)


class Opening:
    """Opens sessions in a registry that takes four of them, two of an address."""

    def __init__(self) -> None:
        self.shared = Shared.of(OPTIONS, lambda _: None)
        self.registry = self.shared.registry
        self._count = 0

    def open(self, address: str | None = "198.51.100.1") -> EngineSession:
        client = None if address is None else (address, 1024)
        request = HTTPConnection({"type": "http", "headers": [], "client": client})
        session = EngineSession(str(self._count), request, self.shared)
        self._count += 1
        self.registry.add(session)
        return session


@pytest.fixture
async def opening() -> Opening:
    return Opening()


async def test_an_address_displaces_its_own_oldest_session(opening: Opening) -> None:
    other = opening.open("198.51.100.2")
    sessions = [opening.open() for _ in range(4)]
    assert [session.ending for session in sessions] == [Ending.DISPLACED, Ending.DISPLACED, None, None]
    assert sessions[0].is_over
    assert not other.is_over
    assert opening.registry.all() == [other, *sessions[2:]]


async def test_when_all_are_too_many_the_oldest_goes(opening: Opening) -> None:
    sessions = [opening.open(f"198.51.100.{number}") for number in range(6)]
    assert [session.is_over for session in sessions] == [True, True, False, False, False, False]


async def test_who_is_admitted_is_not_displaced_and_makes_room(opening: Opening) -> None:
    admitted = [opening.open() for _ in range(2)]
    for session in admitted:
        session.admit()
    sessions = [opening.open() for _ in range(2)]
    assert not any(session.is_over for session in [*admitted, *sessions])
    opening.open()
    assert [session.is_over for session in sessions] == [True, False]


async def test_a_session_that_is_over_makes_room(opening: Opening) -> None:
    kept, gone = opening.open(), opening.open()
    gone.end(Ending.LOST)
    opening.open()
    assert not kept.is_over


async def test_nothing_is_kept_of_an_address_that_has_no_session(opening: Opening) -> None:
    opening.open().end(Ending.LOST)
    opening.open("198.51.100.2").admit()
    assert not opening.registry._unadmitted_of
    assert not opening.registry._unadmitted


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        ("198.51.100.1", "198.51.100.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:198.51.100.1", "198.51.100.1", True),
        ("::ffff:198.51.100.1", "::ffff:198.51.100.2", False),
        (None, "", True),
        ("", "a host", True),
    ],
)
async def test_of_ipv6_a_network_is_one_address(
    opening: Opening, one: str | None, other: str, *, is_shared: bool
) -> None:
    first = opening.open(one)
    for _ in range(2):
        opening.open(other)
    assert first.is_over is is_shared
