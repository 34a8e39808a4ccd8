"""Secrets never leave the process: every occurrence of one becomes ``***`` before a text is sent or shown."""

import os
import re
from collections.abc import Iterable, Iterator

MASK = "***"

Span = tuple[int, int]


class Masker:
    """Finds secrets in text.

    A secret of several lines is looked for line by line, since a log is. Occurrences that overlap are masked as one,
    so that no end of the one shows behind the other.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        patterns = {line.strip() for secret in secrets for line in _readable(secret).splitlines()} - {""}
        self._patterns = sorted(patterns, key=len, reverse=True)
        self.longest = max(map(len, self._patterns), default=0)
        alternatives = "|".join(map(re.escape, self._patterns))
        # A look-ahead matches at every start, so occurrences inside and across one another are all found;
        # the longest stands first.
        self._occurrence = re.compile(f"(?=({alternatives}))") if alternatives else None

    def mask(self, text: str) -> str:
        """The text with every secret replaced."""
        stream = MaskedStream(self)
        return stream.feed(text) + stream.flush()

    def spans(self, text: str, covered: int = 0) -> Iterator[Span]:
        """Where secrets are, in order, those that overlap as one; the first ``covered`` characters count as one."""
        start, end = 0, covered
        if self._occurrence is not None and any(pattern in text for pattern in self._patterns):
            for match in self._occurrence.finditer(text):
                if match.start() >= end:
                    if end > start:
                        yield start, end
                    start = match.start()
                end = max(end, match.end(1))
        if end > start:
            yield start, end


class MaskedStream:
    """Masks a text that comes in parts; a secret that is cut by their borders is masked all the same.

    Holds back less than the longest secret's length: what may yet turn out to be the beginning of one.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""
        self._covered = 0
        """So many of the held characters belong to a secret whose mask has been given out already."""

    def feed(self, text: str) -> str:
        """Take a part; returns what is certain by now."""
        self._held += text
        return self._give(len(self._held) - max(0, self._masker.longest - 1))

    def flush(self) -> str:
        """What is held back, at the end of a line: no secret reaches beyond it."""
        return self._give(len(self._held))

    def _give(self, upto: int) -> str:
        # An occurrence that begins before `upto` ends within what is held, so it has been found.
        if upto <= 0:
            return ""
        parts, at, covered = [], 0, 0
        for start, end in self._masker.spans(self._held, self._covered):
            if start >= upto:
                break
            parts.append(self._held[at:start])
            if start > 0 or not self._covered:
                parts.append(MASK)
            at, covered = end, max(0, end - upto)
        parts.append(self._held[at:upto])
        self._held, self._covered = self._held[upto:], covered
        return "".join(parts)


def _readable(secret: str) -> str:
    # A value of the environment may hold bytes that are no UTF-8; in the output they are read as U+FFFD.
    return os.fsencode(secret).decode("utf-8", "replace")
