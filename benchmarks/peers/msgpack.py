"""MessagePack, as much of it as Socket.IO's Redis emitter needs."""

import struct
from typing import Any

FIRST_LONG_INTEGER = 128


class CannotPack(Exception):
    """A value of another type, or a longer one, than events have."""


def packed(value: Any) -> bytes:
    """Bytes of a string, an integer from 0, a list or a mapping of these; lengths below 65,536. Raises CannotPack."""
    match value:
        case bool():
            raise CannotPack("booleans are not in use")
        case str():
            text = value.encode()
            return _head(len(text), 0xA0, 32, 0xDA) + text
        case int():
            return bytes([value]) if value < FIRST_LONG_INTEGER else struct.pack(">BQ", 0xCF, value)
        case list():
            return _head(len(value), 0x90, 16, 0xDC) + b"".join(map(packed, value))
        case dict():
            pairs = (packed(key) + packed(item) for key, item in value.items())
            return _head(len(value), 0x80, 16, 0xDE) + b"".join(pairs)
        case _:
            raise CannotPack(f"{type(value).__name__} is not in use")


def _head(length: int, short: int, shorts: int, long: int) -> bytes:
    return bytes([short | length]) if length < shorts else struct.pack(">BH", long, length)
