"""The form of an API token: ``ah_live_<id>_<secret><checksum>``.

The checksum lets a scanner of leaked secrets be sure, and lets us refuse a slip of the hand before anything costs.
"""

import re
import secrets
import uuid
import zlib
from dataclasses import dataclass

_FORM = re.compile(r"(ah_live_([0-9a-f]{32})_([0-9a-f]{64}))([0-9a-f]{8})", re.ASCII)


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """Both parts in hexadecimal: an id that may be shown, 32 random bytes that may not."""

    id: str
    secret: str

    @classmethod
    def new(cls) -> "ApiToken":
        return cls(uuid.uuid4().hex, secrets.token_hex(32))

    @classmethod
    def parse(cls, text: str) -> "ApiToken | None":
        """The parts of a token, or None for what is not one."""
        match = _FORM.fullmatch(text)
        if match is None or _checksum(match[1]) != match[4]:
            return None
        return cls(match[2], match[3])

    def reveal(self) -> str:
        text = f"ah_live_{self.id}_{self.secret}"
        return text + _checksum(text)
