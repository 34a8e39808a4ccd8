"""The forms in which a secret usually leaves a program: as it is, and as common encodings write it."""

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MIN_LENGTH = 6
"""A shorter form would stand in texts that have nothing to do with the secret."""


def with_encodings(secrets: Iterable[str]) -> list[str]:
    """The secrets, and their base64, URL, JSON, HTML and Python forms."""
    return [form for secret in secrets for form in (secret, *_forms_of(secret))]


def _forms_of(secret: str) -> Iterator[str]:
    escaped = (
        quote(secret, safe=""),
        quote_plus(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
    )
    for form in (*escaped, *_in_base64(secret.encode("utf-8", "surrogateescape"))):
        if form != secret and len(form) >= MIN_LENGTH:
            yield form


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that are the same whatever stands before and behind it: three bytes make four characters."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret).decode()
        first = (shift * 8 + 5) // 6
        last = (shift + len(secret)) * 8 // 6
        yield encoded[first:last]
        yield encoded[first:last].translate(str.maketrans("+/", "-_"))
