"""A place in a channel: ``<epoch>:<offset>``, or ``<attempt>:<line>`` in ``execution:*``."""

import re
from dataclasses import dataclass

_FORM = re.compile(r"([A-Za-z0-9]{1,32}):(0|[1-9][0-9]{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """``epoch`` names the life of the counter, ``offset`` counts its events from 1; 0 is before the first."""

    epoch: str
    offset: int

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read ``<epoch>:<offset>``; raises ValueError for anything else."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("a position is <epoch>:<offset>")
        return cls(match[1], int(match[2]))

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"
