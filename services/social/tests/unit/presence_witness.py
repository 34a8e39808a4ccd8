"""A member that keeps account of what it is told, and objects to what it must not be told."""

import json
from itertools import count
from typing import Any

from callboard_contracts.channels import Channel, ChannelKind
from callboard_contracts.close_codes import CloseCode
from callboard_contracts.identity import Identity, IdentityKind, Role
from callboard_contracts.positions import Position
from callboard_social.dialects.native import NativeDialect
from callboard_social.hub.member import Member
from callboard_social.wire.connection import Behind
from callboard_social.wire.protocol import Batch, Frame

_NUMBERS = count(1)


def make_identity(user_id: str, org: str = "org-1", login: str | None = None) -> Identity:
    return Identity(
        user_id=user_id,
        login=f"login of {user_id}" if login is None else login,
        organization_id=org,
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        session_id=None,
        issued_at=0,
        expires_at=1,
    )


class RoomDialect(NativeDialect):
    """Speaks as the native one, and tells who is in a room too."""

    def hears_presence(self, channel: Channel) -> bool:
        return channel.kind in {ChannelKind.ROOM, ChannelKind.PRESENCE}


NATIVE, ROOMS = NativeDialect(), RoomDialect()


class Witness:
    """An outlet. `here` is what its client would show: who is online, login by user id."""

    def __init__(self, user_id: str, org: str = "org-1", dialect: NativeDialect = NATIVE) -> None:
        self.id = f"connection-{next(_NUMBERS)}"
        self.member = Member(self, make_identity(user_id, org), dialect)
        self.here: dict[str, str] = {}
        self.frames: list[dict[str, Any]] = []
        self.history: list[tuple[str, str]] = []
        """Every change it was told, as user id and status."""
        self._last = Position("0", 0)
        self._has_left = False
        self._behind: Behind | None = None

    def welcome(self, places: list[tuple[Channel, Position]]) -> None:
        """To be given to the hub when the member joins, for the first time or again."""
        self._has_left = False
        [self._last] = [position for channel, position in places if channel.kind is ChannelKind.PRESENCE] or [
            self._last
        ]

    def forget(self) -> None:
        """What a client does that has left the channel: nothing of it comes any more."""
        self._has_left = True
        self.here.clear()

    def follow(self, behind: Behind | None) -> None:
        self._behind = behind

    def enqueue(self, frame: Frame) -> None:
        if self._behind is not None:
            self._behind.catch_up()
        self._read(frame)

    def write(self, batch: Batch) -> None:
        for frame in batch.frames:
            self._read(frame)

    def _read(self, frame: Frame) -> None:
        assert not self._has_left, "was told something after it had left"
        message = json.loads(frame.text)
        self.frames.append(message)
        if message["type"] == "presence:update":
            self._check_position(message)
            for change in message["data"]["users"]:
                self._hear(change)

    def _check_position(self, message: dict[str, Any]) -> None:
        position = Position.parse(message["position"])
        if message["channel"] == "presence":
            # A client drops what is not after the position that it has.
            assert position.epoch == self._last.epoch
            assert position.offset > self._last.offset
            self._last = position

    def _hear(self, change: dict[str, str]) -> None:
        user_id = change["userId"]
        assert user_id != self.member.identity.user_id, "was told of itself"
        self.history.append((user_id, change["status"]))
        if change["status"] == "online":
            assert user_id not in self.here, "was told twice that somebody came"
            self.here[user_id] = change["login"]
        else:
            assert change["status"] == "offline"
            assert self.here.pop(user_id, None) is not None, "was told that somebody left who was not here"

    def close(self, code: CloseCode) -> None:
        raise AssertionError(f"closed with {code}")

    def drop(self, code: CloseCode) -> None:
        raise AssertionError(f"dropped with {code}")
