import re
from collections.abc import Callable

import pytest
from callboard_auth.tokens.api_token import ApiToken
from hypothesis import given
from hypothesis import strategies as st


def test_token_says_what_it_is_and_comes_back_as_it_was() -> None:
    token = ApiToken.new()

    assert re.fullmatch(r"ah_live_[0-9a-f]{32}_[0-9a-f]{64}[0-9a-f]{8}", token.reveal())
    assert ApiToken.parse(token.reveal()) == token


def test_no_two_tokens_are_alike() -> None:
    tokens = [ApiToken.new() for _ in range(100)]

    assert len({token.id for token in tokens}) == len({token.secret for token in tokens}) == 100


@given(data=st.data())
def test_every_changed_character_is_noticed_by_the_checksum(data: st.DataObject) -> None:
    text = ApiToken("0123456789abcdef" * 2, "fedcba9876543210" * 4).reveal()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda character: character != text[place]))

    assert ApiToken.parse(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text + "\n", lambda text: " " + text, lambda text: text[:-1]]
)
def test_token_in_another_form_is_none(change: Callable[[str], str]) -> None:
    assert ApiToken.parse(change(ApiToken.new().reveal())) is None


@given(st.text())
def test_any_other_text_is_none(text: str) -> None:
    assert ApiToken.parse(text) is None
    assert ApiToken.parse("ah_live_" + text) is None
