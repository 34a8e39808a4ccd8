import pytest
from callboard_auth.accounts.account import name_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ADA"),
        ("ada@example.com", "Ada@EXAMPLE.Com"),
        ("jos\u00e9@example.com", "jose\u0301@example.com"),
        ("stra\u00dfe@example.com", "STRASSE@example.com"),
    ],
)
def test_neither_case_nor_form_of_writing_makes_two_names_of_one(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_different_names_stay_different() -> None:
    assert name_key("ada") != name_key("ada.l")
