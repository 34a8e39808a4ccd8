from callboard_contracts.executions import MAX_LINE_BYTES
from callboard_worker.running.masking import Masker
from callboard_worker.running.output import OutputLines
from callboard_worker.sdk.lines import cut, log_lines
from hypothesis import given, settings
from hypothesis import strategies as st


def lines_of(chunks: list[bytes], *secrets: str) -> list[str]:
    output = OutputLines(Masker(secrets))
    lines = [line for chunk in chunks for line in output.feed(chunk)]
    return [*lines, *output.close()]


@given(st.text(), st.integers(4, 40))
def test_pieces_are_the_line_within_the_bound_and_none_is_cut_inside_a_code_point(text: str, limit: int) -> None:
    pieces = list(cut(text, limit))
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= limit for piece in pieces)
    assert all(len(piece.encode()) > limit - 4 for piece in pieces[:-1])


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_lines_do_not_depend_on_how_the_pipe_cuts_the_output(chunks: list[bytes]) -> None:
    assert lines_of(chunks) == lines_of([b"".join(chunks)])


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"])), max_size=20))
def test_each_line_of_the_output_is_one_line(lines: list[str]) -> None:
    assert lines_of(["".join(f"{line}\n" for line in lines).encode()]) == lines


@settings(deadline=None)
@given(st.integers(MAX_LINE_BYTES - 12, MAX_LINE_BYTES + 12), st.integers(50, 5000), st.integers(1, 3))
def test_a_secret_across_the_border_of_a_long_line_is_masked(before: int, size: int, copies: int) -> None:
    encoded = b"-" * before + b"hushhush" * copies + b"+" * MAX_LINE_BYTES
    chunks = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    lines = lines_of(chunks, "hushhush")
    assert "".join(lines) == "-" * before + "***" + "+" * MAX_LINE_BYTES
    assert all(len(line.encode()) <= MAX_LINE_BYTES for line in lines)


def test_a_line_without_end_is_given_out_as_it_grows() -> None:
    output = OutputLines(Masker([]))
    assert sum(len(list(output.feed(b"x" * 1000))) for _ in range(100)) == 100_000 // MAX_LINE_BYTES


def test_invalid_utf_8_and_nul_are_replaced() -> None:
    assert lines_of([b"a\xe2\x82", b"b\0c\n"]) == ["a\ufffdb\ufffdc"]


def test_a_code_point_cut_by_the_pipe_is_whole() -> None:
    assert lines_of([b"\xe2\x82", b"\xac\n"]) == ["€"]


def test_carriage_returns_before_a_newline_are_no_part_of_the_line() -> None:
    assert lines_of([b"a\r", b"\nb\rc\r\n"]) == ["a", "b\rc"]


def test_a_text_of_several_lines_is_several_lines() -> None:
    assert list(log_lines("a\n\nb\n")) == ["a", "", "b"]
    assert list(log_lines("")) == [""]
    assert list(log_lines("\ud800\0")) == ["\ufffd\ufffd"]
