"""Log text as the wire takes it: numbered lines of bounded size, in valid UTF-8."""

import re
from collections.abc import Iterator

from callboard_contracts.executions import MAX_LINE_BYTES

REPLACEMENT = "\ufffd"
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_CONTINUATION_MASK = 0xC0
_CONTINUATION = 0x80


def repaired(text: str) -> str:
    """The text without what the wire cannot carry: lone surrogates and NUL become U+FFFD."""
    return _UNSENDABLE.sub(REPLACEMENT, text)


def cut(line: str, limit: int = MAX_LINE_BYTES) -> Iterator[str]:
    """The line in pieces of at most ``limit`` bytes of UTF-8 (4 at least), never cut inside a code point.

    An empty line is one empty piece. The line has no lone surrogates: see `repaired`.
    """
    encoded = line.encode()
    start = 0
    while len(encoded) - start > limit:
        end = start + limit
        while encoded[end] & _CONTINUATION_MASK == _CONTINUATION:
            end -= 1
        yield encoded[start:end].decode()
        start = end
    yield encoded[start:].decode()


def log_lines(text: str) -> Iterator[str]:
    """The lines of a text, ready to be sent. A newline at the end does not begin another line."""
    for line in repaired(text).removesuffix("\n").split("\n"):
        yield from cut(line.removesuffix("\r"))
