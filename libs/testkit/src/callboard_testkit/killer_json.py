"""JSON that Python reads without a murmur and that then kills: a frame no browser parses, a 500 at the first encode.

The same corpus runs against the parser, over HTTP and on sockets. Text is ASCII: every escape arrives as written.
"""

from dataclasses import dataclass

_DEPTH = 40
"""Past our bound of 32, well within Python's recursion."""
_ABYSS = 20_000
"""Past everybody's recursion."""


@dataclass(frozen=True, slots=True)
class Killer:
    """``value`` is JSON text for one value; ``is_repairable`` where a log line may have it repaired."""

    name: str
    value: str
    is_repairable: bool = False

    def as_member(self, name: str, others: str = "") -> bytes:
        """A document: an object with the value under `name`; `others` are further members, as JSON text."""
        return f'{{{others + "," if others else ""}"{name}":{self.value}}}'.encode()


KILLERS = (
    Killer("nan", "NaN"),
    Killer("infinity", "Infinity"),
    Killer("minus infinity", "-Infinity"),
    Killer("a float out of range", "1e400"),
    Killer("a negative float out of range", "-1e400"),
    Killer("a whole number out of range", "1" + "0" * 400),
    Killer("a whole number too long to read", "9" * 5_000),
    Killer("a lone high surrogate", '"\\ud800"', is_repairable=True),
    Killer("a lone low surrogate", '"\\udc00"', is_repairable=True),
    Killer("surrogates the wrong way round", '"\\udc00\\ud800"', is_repairable=True),
    Killer("a surrogate amid text", '"before \\udfff after"', is_repairable=True),
    Killer("a nul", '"\\u0000"', is_repairable=True),
    Killer("a nul amid text", '"before\\u0000after"', is_repairable=True),
    Killer("a surrogate in a list", '[1,["\\ud800"]]', is_repairable=True),
    Killer("a surrogate in a name", '{"\\ud800":1}'),
    Killer("a nul in a name", '{"a\\u0000b":1}'),
    Killer("nan deep inside", '{"a":[{"b":NaN}]}'),
    Killer("lists too deep", "[" * _DEPTH + "]" * _DEPTH),
    Killer("objects too deep", '{"a":' * _DEPTH + "1" + "}" * _DEPTH),
)
"""Valid to Python's parser, but for the too long number; refused by ours."""

BROKEN_DOCUMENTS = (
    b"",
    b"{",
    b'{"a":1}}',
    b"{'a':1}",
    b'{"a":01}',
    b'{"a":.5}',
    b'{"a":"\x01"}',
    b'{"a":"\\x"}',
    b'\xef\xbb\xbf{"a":1}',
    b'{"a":"\xff\xfe"}',
    b'{"a":"\xed\xa0\x80"}',
    '{"a":1}'.encode("utf-16"),
    b"[" * _ABYSS,
    b'{"a":' * _ABYSS,
)
"""Not JSON in UTF-8 at all; the last two end the recursion of a parser that does not count."""
