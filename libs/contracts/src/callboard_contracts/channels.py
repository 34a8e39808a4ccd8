"""Channels: what an organisation's events are sorted into. A name never carries the organisation."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from callboard_contracts.wire import IDENTIFIER_PATTERN

_IDENTIFIER = re.compile(IDENTIFIER_PATTERN, re.ASCII)


class ChannelKind(StrEnum):
    ORG = "org"
    EXECUTION = "execution"
    LOGS = "logs"
    ROOM = "room"
    WORKFLOWS = "workflows"
    WORKFLOW = "workflow"
    PRESENCE = "presence"


_NAMED_KINDS = {ChannelKind.EXECUTION, ChannelKind.ROOM, ChannelKind.WORKFLOW}


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of an organisation.

    ``org``, ``logs``, ``workflows`` and ``presence`` stand alone; ``execution:<taskId>``, ``room:<id>`` and
    ``workflow:<id>`` carry an id.
    """

    kind: ChannelKind
    id: str | None = None
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", str(self.kind) if self.id is None else f"{self.kind}:{self.id}")

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

    @classmethod
    def workflow(cls, workflow_id: str) -> "Channel":
        return cls(ChannelKind.WORKFLOW, workflow_id)

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name


ORG = Channel(ChannelKind.ORG)
LOGS = Channel(ChannelKind.LOGS)
WORKFLOWS = Channel(ChannelKind.WORKFLOWS)
"""Agent events of all workflows of the organisation."""
PRESENCE = Channel(ChannelKind.PRESENCE)
"""Who of the organisation is here. It has no history: nodes make its events from what they know."""
GENERAL = Channel(ChannelKind.ROOM, "general")
"""The room that everyone in the organisation is in."""
