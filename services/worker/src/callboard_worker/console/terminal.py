"""What others wrote, made safe to print: no byte of it may drive the terminal."""

import re

_COLOURS = re.compile("\x1b\\[[0-9;:]*m")
# C0 without the tab, DEL, C1, line and paragraph separators, marks that reverse the direction of text, surrogates.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LATIN_1 = 0xFF


def neutralised(text: str) -> str:
    """The text on one line: colours are dropped, any other control character is shown by its number.

    Colours go first: what their removal joins is looked at again.
    """
    return _CONTROLS.sub(_shown, _COLOURS.sub("", text))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= _LATIN_1 else f"\\u{code:04x}"
