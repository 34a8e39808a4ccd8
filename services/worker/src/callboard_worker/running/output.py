"""A child's output, from bytes as the pipe gives them to masked lines of bounded size."""

import codecs
from collections.abc import Iterator

from callboard_contracts.executions import MAX_LINE_BYTES

from callboard_worker.running.masking import MaskedStream, Masker
from callboard_worker.sdk.lines import cut, repaired


class OutputLines:
    """Holds at most one piece of a line and the longest secret, however long the child's lines are.

    Invalid UTF-8 is replaced. A line above the bound is given out in pieces as it grows.
    """

    def __init__(self, masker: Masker) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._masked = MaskedStream(masker)
        self._line = ""
        self._is_open = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines that this chunk completes."""
        yield from self._take(self._decoder.decode(chunk))

    def close(self) -> Iterator[str]:
        """The rest, when the output has ended without a newline."""
        yield from self._take(self._decoder.decode(b"", final=True))
        if self._is_open:
            yield from self._end_line()

    def _take(self, text: str) -> Iterator[str]:
        first, *others = text.split("\n")
        yield from self._extend(first)
        for part in others:
            yield from self._end_line()
            yield from self._extend(part)

    def _extend(self, text: str) -> Iterator[str]:
        self._is_open = self._is_open or bool(text)
        self._line += repaired(self._masked.feed(text))
        # A character is a byte at least: below the bound there is nothing to measure.
        if len(self._line) * 4 > MAX_LINE_BYTES:
            *pieces, self._line = cut(self._line)
            yield from pieces

    def _end_line(self) -> Iterator[str]:
        line = self._line + repaired(self._masked.flush())
        self._line, self._is_open = "", False
        yield from cut(line.removesuffix("\r"))
