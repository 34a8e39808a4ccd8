"""Channels: what an organisation's events are sorted into. A name never carries the organisation."""

import re
from dataclasses import dataclass
from enum import StrEnum

from callboard_contracts.wire import IDENTIFIER_PATTERN

_IDENTIFIER = re.compile(IDENTIFIER_PATTERN, re.ASCII)


class ChannelKind(StrEnum):
    ORG = "org"
    EXECUTION = "execution"
    LOGS = "logs"
    ROOM = "room"


_NAMED_KINDS = {ChannelKind.EXECUTION, ChannelKind.ROOM}


@dataclass(frozen=True, slots=True)
class Channel:
    """``org`` and ``logs`` stand alone; ``execution:<taskId>`` and ``room:<id>`` carry an id."""

    kind: ChannelKind
    id: str | None = None

    @classmethod
    def parse(cls, name: str) -> "Channel":
        """Read a channel's name; raises ValueError when no channel is named so."""
        head, colon, rest = name.partition(":")
        try:
            kind = ChannelKind(head)
        except ValueError as error:
            raise ValueError("no such channel") from error
        if (kind in _NAMED_KINDS) != bool(colon):
            raise ValueError("no such channel")
        if colon and not _IDENTIFIER.fullmatch(rest):
            raise ValueError("an id matches " + IDENTIFIER_PATTERN)
        return cls(kind, rest if colon else None)

    @classmethod
    def execution(cls, task_id: str) -> "Channel":
        return cls(ChannelKind.EXECUTION, task_id)

    @classmethod
    def room(cls, room_id: str) -> "Channel":
        return cls(ChannelKind.ROOM, room_id)

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"


ORG = Channel(ChannelKind.ORG)
LOGS = Channel(ChannelKind.LOGS)
GENERAL = Channel(ChannelKind.ROOM, "general")
"""The room that everyone in the organisation is in."""
