"""Frames of a server, in bytes: they are not masked, so the same bytes are good for every socket."""

from websockets.frames import Frame, Opcode


def text_frame(text: str) -> bytes:
    """One whole text message; raises UnicodeEncodeError for a lone surrogate."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def binary_frame(data: bytes) -> bytes:
    """One whole binary message."""
    return Frame(Opcode.BINARY, data).serialize(mask=False)


PING = Frame(Opcode.PING, b"").serialize(mask=False)
