from callboard_worker.running.masking import MASK, MaskedStream, Masker
from callboard_worker.running.output import OutputLines
from hypothesis import given
from hypothesis import strategies as st

secret_values = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=4)
texts = st.text("abc ", max_size=60)


def naive(secrets: list[str], text: str) -> str:
    """Occurrences that share a character are one; each such stretch becomes one mask."""
    starts: set[int] = set()
    joins: set[int] = set()
    covered = [False] * len(text)
    for secret in secrets:
        for start in range(len(text)):
            if text.startswith(secret, start):
                starts.add(start)
                joins.update(range(start + 1, start + len(secret)))
                covered[start : start + len(secret)] = [True] * len(secret)
    begins = starts - joins
    return "".join(
        (MASK if place in begins else "") if covered[place] else character for place, character in enumerate(text)
    )


@given(secret_values, texts)
def test_no_character_of_a_secret_is_left(secrets: list[str], text: str) -> None:
    assert Masker(secrets).mask(text) == naive(secrets, text)


@given(secret_values, st.lists(texts, max_size=12))
def test_parts_of_a_text_are_masked_like_the_whole(secrets: list[str], parts: list[str]) -> None:
    stream = MaskedStream(Masker(secrets))
    assert "".join(stream.feed(part) for part in parts) + stream.flush() == naive(secrets, "".join(parts))


@given(secret_values, st.lists(texts, max_size=12))
def test_less_than_the_longest_secret_is_held_back(secrets: list[str], parts: list[str]) -> None:
    masker = Masker(secrets)
    stream = MaskedStream(masker)
    for part in parts:
        stream.feed(part)
        assert len(stream._held) < masker.longest


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    masker = Masker(["-----BEGIN-----\nabc def\r\n\n  indented\n"])
    assert masker.mask("key: abc def") == "key: ***"
    assert masker.mask("   indented") == "   ***"
    assert masker.mask("nothing of it") == "nothing of it"


def test_the_longest_secret_wins() -> None:
    assert Masker(["pass", "password1"]).mask("password1 pass word") == "*** *** word"


def test_secrets_that_overlap_leave_no_end() -> None:
    assert Masker(["abcd", "cdef"]).mask("xabcdefx") == "x***x"


def test_empty_and_blank_secrets_mask_nothing() -> None:
    assert Masker(["", " \n\t"]).mask(" a b ") == " a b "


def test_a_secret_with_bytes_that_are_no_utf_8_is_masked_as_it_is_read() -> None:
    output = OutputLines(Masker([b"se\xffcret".decode("utf-8", "surrogateescape")]))
    assert list(output.feed(b"my se\xffcret\n")) == ["my ***"]
