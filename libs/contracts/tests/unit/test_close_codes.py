"""The one table of close codes, and what a client makes of a code it has never seen."""

import pytest
from callboard_contracts import close_codes
from callboard_contracts.close_codes import CloseCode, Return, what_next

MAX_REASON_BYTES = 123
"""RFC 6455: a close frame carries 125 bytes, two of them the code."""


def test_the_table_holds_every_code_of_the_module_once() -> None:
    named = [value for value in vars(close_codes).values() if isinstance(value, CloseCode)]
    assert sorted(named, key=lambda entry: entry.code) == sorted(close_codes.ALL, key=lambda entry: entry.code)
    assert len({entry.code for entry in close_codes.ALL}) == len(close_codes.ALL)


def test_every_reason_fits_into_a_close_frame() -> None:
    assert all(0 < len(entry.reason.encode()) <= MAX_REASON_BYTES for entry in close_codes.ALL)


def test_codes_of_ours_tell_by_their_number_whether_to_come_back() -> None:
    ours = [entry for entry in close_codes.ALL if entry.code >= 4000]
    assert len(ours) == 9
    assert all((entry.then is Return.NEVER) == (entry.code >= 4500) for entry in ours)


@pytest.mark.parametrize("entry", close_codes.ALL)
def test_a_client_does_what_the_table_says(entry: CloseCode) -> None:
    assert what_next(entry.code) is entry.then


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1006, Return.AT_ONCE),
        (1011, Return.AT_ONCE),
        (4000, Return.AT_ONCE),
        (4499, Return.AT_ONCE),
        (4500, Return.NEVER),
        (4999, Return.NEVER),
        (5000, Return.AT_ONCE),
    ],
)
def test_of_the_unknown_codes_only_4500_to_4999_are_for_good(code: int, expected: Return) -> None:
    assert what_next(code) is expected
