"""The bytes are those of the MessagePack specification."""

import pytest

from benchmarks.peers.msgpack import CannotPack, packed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "cf0000000000000080"),
        (1_000_000, "cf00000000000f4240"),
        ("org", "a36f7267"),
        ("x" * 32, "da0020" + "78" * 32),
        ([], "90"),
        ([1] * 16, "dc0010" + "01" * 16),
        ({"nsp": "/", "type": 2}, "82a36e7370a12fa47479706502"),
    ],
)
def test_a_value_has_the_bytes_that_every_reader_expects(value: object, expected: str) -> None:
    assert packed(value).hex() == expected


@pytest.mark.parametrize("value", [True, 1.5, None, b"bytes"])
def test_what_events_do_not_have_is_refused(value: object) -> None:
    with pytest.raises(CannotPack):
        packed(value)
