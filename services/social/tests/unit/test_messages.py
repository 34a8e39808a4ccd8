"""From bytes to messages: however they are cut, and whoever's turn it is, the same as for `websockets` on the whole."""

from collections.abc import Sequence
from itertools import pairwise

from callboard_social.handoff.messages import MessageParser
from callboard_testkit.raw_peer import frame
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

MAX_MESSAGE = 1024

_PAYLOAD = st.one_of(
    st.binary(max_size=20), st.text(max_size=20).map(str.encode), st.binary(min_size=120, max_size=140)
)
_KIND = st.sampled_from([Opcode.TEXT, Opcode.TEXT, Opcode.BINARY])


@st.composite
def well_formed(draw: st.DrawFn) -> bytes:
    """One message: text or binary, in fragments, with pings and pongs between them."""
    kind = draw(_KIND)
    payload = draw(st.text(max_size=30)).encode() if kind is Opcode.TEXT else draw(_PAYLOAD)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    wire = b""
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(payload)], strict=True)):
        opcode = kind if number == 0 else Opcode.CONT
        wire += frame(opcode, payload[start:stop], fin=number == len(cuts))
        if draw(st.booleans()):
            wire += frame(draw(st.sampled_from([Opcode.PING, Opcode.PONG])), draw(st.binary(max_size=10)))
    return wire


ANYTHING = st.builds(
    frame,
    st.sampled_from(list(Opcode)),
    _PAYLOAD,
    fin=st.booleans(),
    reserved=st.sampled_from([0, 0, 0, 0, 4]),
    mask=st.sampled_from([b"mask", b"\0\0\0\0", b"mask", None]),
)
STREAM = st.lists(st.one_of(well_formed(), well_formed(), ANYTHING, st.binary(max_size=8)), max_size=8).map(b"".join)
CUTS = st.lists(st.integers(0, 2000), max_size=12)


def pieces(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    return [stream[start:stop] for start, stop in pairwise(places)]


def reference(stream: bytes) -> tuple[list[str | bytes], bytes, int]:
    """Messages, answers and close code, as `websockets` has them when it gets everything at once."""
    protocol = Protocol(Side.SERVER, max_size=MAX_MESSAGE)
    protocol.receive_data(stream)
    messages, parts, kind = list[str | bytes](), b"", Opcode.TEXT
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        if event.opcode in {Opcode.TEXT, Opcode.BINARY}:
            parts, kind = b"", event.opcode
        if event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            parts += event.data
            if event.fin:
                messages.append(parts.decode() if kind is Opcode.TEXT else parts)
    close = protocol.close_rcvd if protocol.close_rcvd_then_sent else protocol.close_sent
    return messages, b"".join(protocol.data_to_send()), 1006 if close is None else close.code


class Reader:
    """A parser, and what has come out of it."""

    def __init__(self) -> None:
        self.parser = MessageParser(MAX_MESSAGE)
        self.messages: list[str | bytes] = []
        self.answers = b""
        self.frames = 0

    def feed(self, piece: bytes) -> None:
        messages, frames = self.parser.feed(piece)
        self.messages += messages
        self.frames += frames
        self.answers += self.parser.answer()

    @property
    def outcome(self) -> tuple[list[str | bytes], bytes, int]:
        return self.messages, self.answers, self.parser.close_code


@settings(deadline=None)
@given(STREAM, CUTS)
def test_however_a_stream_is_cut_it_says_the_same(stream: bytes, cuts: list[int]) -> None:
    try:
        expected = reference(stream)
    except UnicodeDecodeError:
        return  # what `websockets` leaves to its user is tested below
    reader = Reader()
    for piece in pieces(stream, cuts):
        reader.feed(piece)
    assert reader.outcome == expected


@settings(deadline=None)
@given(well_formed(), st.binary(min_size=1, max_size=5), CUTS)
def test_text_that_is_none_fails_the_connection_after_what_was_good(good: bytes, tail: bytes, cuts: list[int]) -> None:
    bad = frame(Opcode.TEXT, b"\xc3\x28" + tail)
    reader = Reader()
    for piece in pieces(good + bad + good, cuts):
        reader.feed(piece)
    messages, answers, _ = reference(good)
    assert reader.messages == messages
    assert reader.answers.startswith(answers)
    assert (reader.parser.is_open, reader.parser.is_finished, reader.parser.close_code) == (False, True, 1007)


def has_parser(reader: Reader) -> bool:
    return reader.parser._protocol is not None


def test_a_socket_that_says_nothing_more_has_no_parser() -> None:
    reader, whole = Reader(), frame(Opcode.TEXT, b"whole")
    reader.feed(whole)
    assert not has_parser(reader)
    for cut in range(1, len(whole)):
        reader.feed(whole[:cut])
        assert has_parser(reader)
        reader.feed(whole[cut:])
        assert not has_parser(reader)
    reader.feed(frame(Opcode.TEXT, b"begun", fin=False))
    assert has_parser(reader)
