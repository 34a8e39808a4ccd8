"""A secret is masked in the forms in which programs usually print it."""

import base64
import html
import json
from urllib.parse import quote

import pytest
from callboard_worker.running.encodings import with_encodings
from callboard_worker.running.masking import Masker
from hypothesis import given
from hypothesis import strategies as st

SECRET = 'p@ss w0rd"&<x>+/=\u00e9'

FORMS = {
    "plain": SECRET,
    "url": quote(SECRET, safe=""),
    "json": json.dumps(SECRET),
    "html": html.escape(SECRET),
    "python": repr([SECRET]),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_common_form_is_masked(form: str) -> None:
    masked = Masker(with_encodings([SECRET])).mask(f"before {FORMS[form]} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked
    assert "w0rd" not in masked


VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x17F, exclude_categories=["C", "Z"])


@given(st.binary(max_size=6), st.text(VISIBLE, min_size=8, max_size=40), st.binary(max_size=6), st.booleans())
def test_base64_is_masked_whatever_stands_around_the_secret(
    before: bytes, secret: str, after: bytes, is_url_safe: bool
) -> None:
    encode = base64.urlsafe_b64encode if is_url_safe else base64.b64encode
    masked = Masker(with_encodings([secret])).mask(encode(before + secret.encode() + after).decode())
    kept = masked.replace("***", "")
    # Only the characters that the neighbours' bits are in may be left: two at most on each side of the secret.
    assert len(kept) <= len(encode(before)) + len(encode(after)) + 4


def test_a_form_that_is_too_short_is_not_looked_for() -> None:
    assert with_encodings(["ab"]) == ["ab"]
