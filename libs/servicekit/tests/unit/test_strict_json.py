"""The strict parser against JSON that kills, and that it takes all else as it is."""

import json
import time
from typing import Any

import pytest
from callboard_servicekit.strict_json import MAX_DEPTH, MAX_VALUES, InvalidJson, dumps, loads, repair_text
from callboard_testkit.killer_json import BROKEN_DOCUMENTS, KILLERS, Killer
from hypothesis import given
from hypothesis import strategies as st

speakable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | speakable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(speakable, inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_what_is_allowed_goes_through_unchanged(document: Any) -> None:
    assert loads(dumps(document)) == document
    assert loads(dumps(document).encode()) == document
    assert loads(dumps(document), repair=True) == document


@given(documents)
def test_what_is_written_any_parser_reads(document: Any) -> None:
    assert json.loads(dumps(document).encode()) == document


@pytest.mark.parametrize("killer", KILLERS, ids=lambda killer: killer.name)
def test_json_that_kills_is_refused_without_being_repeated(killer: Killer) -> None:
    document = killer.as_member("field", '"marker":"do-not-repeat"')
    with pytest.raises(InvalidJson) as refusal:
        loads(document)
    assert "do-not-repeat" not in str(refusal.value)
    assert len(str(refusal.value)) < 80


@pytest.mark.parametrize("killer", KILLERS, ids=lambda killer: killer.name)
def test_only_text_in_values_can_be_repaired(killer: Killer) -> None:
    document = killer.as_member("field")
    if not killer.is_repairable:
        with pytest.raises(InvalidJson):
            loads(document, repair=True)
        return
    repaired = dumps(loads(document, repair=True))
    assert "\ufffd" in repaired
    assert loads(repaired.encode()) == loads(document, repair=True)


@pytest.mark.parametrize("document", BROKEN_DOCUMENTS, ids=range(len(BROKEN_DOCUMENTS)))
@pytest.mark.parametrize("repair", [False, True])
def test_what_is_no_json_is_refused(document: bytes, *, repair: bool) -> None:
    with pytest.raises(InvalidJson):
        loads(document, repair=repair)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        value = loads(raw)
    except InvalidJson:
        return
    assert loads(dumps(value).encode()) == value


def count(document: Any) -> int:
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return 1 + sum(map(count, inner))


@given(documents, st.integers(0, 40))
def test_a_document_passes_exactly_when_it_holds_no_more_values_than_it_may(document: Any, spare: int) -> None:
    values = count(document)
    assert loads(dumps(document), max_values=values + spare) == document
    with pytest.raises(InvalidJson, match="values"):
        loads(dumps(document), max_values=max(0, values - 1 - spare))


CROWDS = {
    "lists": "[" + "[]," * 20_000 + "1]",
    "objects": "[" + "{}," * 20_000 + "1]",
    "numbers": "[" + "1," * 20_000 + "1]",
    "strings with quotes in them": "[" + '"\\"[",' * 20_000 + "1]",
    "members": "{" + '"a":1,' * 20_000 + '"b":1}',
    "never closed": "[" * 20_000,
    "amid a string that never ends": "[" + "1," * 20_000 + '"',
}


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_of_values_is_refused_before_it_is_parsed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(InvalidJson, match=f"more than {MAX_VALUES} values"):
        loads(CROWDS[name])


@pytest.mark.parametrize("text", ["x," * 20_000, "[{" * 20_000, '\\",[' * 20_000, "\\" * 20_000])
def test_commas_and_brackets_in_text_are_no_values(text: str) -> None:
    assert loads(dumps({"content": text}), max_values=2) == {"content": text}


@pytest.mark.parametrize("text", ['"', '\\"', '"\\', "\\", '[",'])
def test_quotes_without_an_end_are_refused_in_no_time(text: str) -> None:
    document = "[" + text * 300_000
    before = time.process_time()
    with pytest.raises(InvalidJson):
        loads(document)
    # Were it the length squared, it would be minutes.
    assert time.process_time() - before < 2


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded_at_32(opening: str, closing: str) -> None:
    loads(opening * MAX_DEPTH + "1" + closing * MAX_DEPTH)
    with pytest.raises(InvalidJson, match="deeper than 32"):
        loads(opening * (MAX_DEPTH + 1) + "1" + closing * (MAX_DEPTH + 1))


def test_the_largest_numbers_that_everybody_can_carry_pass() -> None:
    assert loads("[1.7976931348623157e308, -1e308, 5e-324, 9007199254740993]")[3] == 9007199254740993


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert loads('"\\ud83d\\ude00"') == "\U0001f600"


@given(st.text(max_size=40))
def test_repaired_text_can_be_encoded_and_keeps_its_length(text: str) -> None:
    repaired = repair_text(text)
    repaired.encode()
    assert "\x00" not in repaired
    assert len(repaired) == len(text)
    assert repair_text(repaired) == repaired


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_no_json_is_never_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"n": number})
